"""Public keys of identity providers: from a file, or by OpenID Connect discovery, kept for a while.

Only asymmetric signature keys are kept, so that a public key can never be taken for a shared secret. What a token
says of where its key is (`jku`, `x5u`, `jwk`) is not even looked at.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from planner.errors import PlannerError, RegistryError
from planner.registry.connections import Broken, Connections, host_of, read
from planner.system import given_files

KEEP = 600.0
"""Seconds after which keys are fetched anew."""
AGAIN = 30.0
"""Seconds between two fetches: a flood of made-up keys causes no flood of fetches."""
LONGEST = 86_400.0
"""Seconds for which keys go on serving while their issuer does not answer."""
TIMEOUT = 10.0
MAX_SET = 1 << 20
MAX_KEYS = 64
_LOOPBACK = re.compile(r"http://(?:127(?:\.\d{1,3}){3}|localhost)(?::\d+)?(?:/.*)?")


class Keys(Protocol):
    """Finds a public key by its id."""

    def find(self, kid: str) -> RSAKey | ECKey | None:
        """The key, or None for one that the provider does not have."""
        ...

    def at_hand(self, kid: str) -> RSAKey | ECKey | None:
        """The key where nothing has to be fetched for it, else None. Waits for nobody."""
        ...


def read_keys(data: bytes) -> dict[str, RSAKey | ECKey]:
    """The usable keys of a JSON Web Key Set, by id. Raises PlannerError for what is none."""
    try:
        document = json.loads(data)
        entries = document["keys"]
        if not isinstance(entries, list) or len(entries) > MAX_KEYS:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PlannerError("is no set of keys (RFC 7517)") from error
    found: dict[str, RSAKey | ECKey] = {}
    for entry in entries:
        key = _key(entry)
        if key is not None:
            found[str(entry["kid"])] = key
    return found


def _key(entry: Any) -> RSAKey | ECKey | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
        return None
    public = {name: value for name, value in entry.items() if name in ("kty", "kid", "n", "e", "crv", "x", "y")}
    try:
        if entry.get("kty") == "RSA":
            return RSAKey.import_key(public)
        return ECKey.import_key(public) if entry.get("kty") == "EC" else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


class FileKeys:
    """The keys of a file, for a provider that cannot be reached. Raises PlannerError at once for an unreadable one."""

    def __init__(self, path: Path) -> None:
        try:
            self._keys = read_keys(given_files.read(path, MAX_SET))
        except (OSError, PlannerError) as error:
            raise PlannerError(f"{path}: {error}") from error

    def find(self, kid: str) -> RSAKey | ECKey | None:
        """See Keys."""
        return self._keys.get(kid)

    at_hand = find


class IssuerKeys:
    """The keys of an issuer by discovery (OpenID Connect Discovery 1.0, section 4). For several threads."""

    def __init__(self, issuer: str, fetch: Callable[[str], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, RSAKey | ECKey] = {}
        self._fetched = self._tried = float("-inf")
        self._lock = threading.Lock()

    def find(self, kid: str) -> RSAKey | ECKey | None:
        """See Keys. Whoever has a key to go on with waits for nobody who fetches."""
        known = self._keys.get(kid) if self._clock() - self._fetched <= LONGEST else None
        if not self._lock.acquire(blocking=known is None):
            return known
        try:
            now = self._clock()
            if (now - self._fetched > KEEP or kid not in self._keys) and now - self._tried > AGAIN:
                self._tried = now
                self._renew()
            return self._keys.get(kid)
        finally:
            self._lock.release()

    def at_hand(self, kid: str) -> RSAKey | ECKey | None:
        """See Keys. Without the lock, which a fetch holds; a set of keys is exchanged whole."""
        return self._keys.get(kid) if self._clock() - self._fetched <= KEEP else None

    def _renew(self) -> None:
        try:
            document = json.loads(self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"))
            place = str(document["jwks_uri"])
            if document["issuer"] != self.issuer or not is_safe(place):
                raise ValueError
            self._keys = read_keys(self._fetch(place))
            self._fetched = self._clock()
        except (PlannerError, ValueError, KeyError, TypeError, RecursionError):
            if self._clock() - self._fetched > LONGEST:
                self._keys = {}


def is_safe(url: str) -> bool:
    """Whether a URL is one of TLS, or of this machine."""
    return url.startswith("https://") or _LOOPBACK.fullmatch(url) is not None


def fetch(url: str) -> bytes:
    """The bytes at a URL, without redirects, in two minutes at the longest. Raises PlannerError."""
    if not is_safe(url):
        raise PlannerError(f"{url}: is not https")
    try:
        with closing(Connections().send("GET", url, headers={}, timeout=(TIMEOUT, TIMEOUT))) as given:
            body = read(given, host_of(url), MAX_SET)
    except (Broken, RegistryError) as error:
        raise PlannerError(f"{url}: does not answer") from error
    if given.status != 200:
        raise PlannerError(f"{url}: answers with status {given.status}")
    return body
