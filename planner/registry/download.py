"""Reads what stands at a URL once, to know its checksum. Keeps nothing, sends no login, and does not wait for ever."""

from __future__ import annotations

import hashlib
import re
import time

import requests

from planner.errors import RegistryError

MAX_BYTES = 4 << 30
MAX_SECONDS = 900.0
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and between two pieces of an answer."""
_PIECE = 1 << 20
_LOOPBACK = re.compile(r"https?://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(/|$)")


class _NoLogin(requests.auth.AuthBase):
    """Keeps requests from looking for a login in `.netrc`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def checksum(url: str, *, limit: int = MAX_BYTES, seconds: float = MAX_SECONDS) -> str:
    """The `sha256:…` of what a URL gives now. Raises RegistryError."""
    session = requests.Session()
    session.trust_env = not _LOOPBACK.match(url)
    session.max_redirects = 10
    ends = time.monotonic() + seconds
    digest, size = hashlib.sha256(), 0
    try:
        with session.get(
            url, auth=_NoLogin(), headers={"Accept-Encoding": "identity"}, stream=True, timeout=TIMEOUT
        ) as answer:
            if answer.status_code != 200:
                raise RegistryError(f"answers with status {answer.status_code}")
            for piece in answer.iter_content(_PIECE):
                size += len(piece)
                if size > limit:
                    raise RegistryError(f"gives more than {limit} bytes")
                if time.monotonic() > ends:
                    raise RegistryError(f"is not read within {seconds:.0f} s")
                digest.update(piece)
            told = answer.headers.get("Content-Length", "")
    except requests.TooManyRedirects as error:
        raise RegistryError("leads from one address to the next without end") from error
    except (requests.RequestException, OSError) as error:
        raise RegistryError(f"does not answer: {type(error).__name__}") from error
    if told.isdecimal() and int(told) != size:
        raise RegistryError(f"broke off after {size} of {told} bytes")
    return f"sha256:{digest.hexdigest()}"
