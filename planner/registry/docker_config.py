"""Finds the login that Docker's configuration holds for a registry: in the file itself, or with a credential helper.

What a helper says besides the login is shown to nobody: it may be the login.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planner.errors import RegistryError
from planner.system import given_files

HUB = "docker.io"
HUB_NAMES = ("https://index.docker.io/v1/", "index.docker.io", HUB)
MAX_CONFIG = 4 << 20
MAX_ANSWER = 1 << 20
PATIENCE = 60.0
"""Seconds that a credential helper may take."""
TOKEN = "<token>"  # noqa: S105
"""The name with which a helper gives an identity token (docker-credential-helpers)."""
_HELPER = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """A name and a password, or an identity token of the registry's own."""

    name: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def home() -> Path | None:
    """The user's home folder, None where nobody knows one: in a container the user may be a number without a name."""
    found = os.path.expanduser("~")  # noqa: PTH111 -- Path's own raises there
    return Path(found) if found != "~" else None


def stored_login(host: str) -> Login | None:
    """What `docker login` stored for this registry, None for nothing. Raises RegistryError."""
    own = home()
    folder = os.environ.get("DOCKER_CONFIG") or (own / ".docker" if own is not None else None)
    if folder is None:
        return None
    file = Path(folder) / "config.json"
    try:
        document: Any = json.loads(given_files.read(file, MAX_CONFIG))
        names = HUB_NAMES if host == HUB else (host, f"https://{host}")
        return _helped(document, names, host) or _written(document, names)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
        # Not what the error says: it may repeat what it was about.
        raise RegistryError(f"{host}: the stored login cannot be read: {file}: {type(error).__name__}") from None


def _written(document: Mapping[str, Any], names: tuple[str, ...]) -> Login | None:
    """The login in the file itself; an entry may be an address with a path."""
    entries: Mapping[str, Any] = document.get("auths") or {}
    keys = [*names, *(key for key in entries if _host(key) in names)]
    entry: Mapping[str, Any] = next((entries[key] for key in keys if entries.get(key)), {})
    if entry.get("identitytoken"):
        return Login(token=str(entry["identitytoken"]))
    if entry.get("auth"):
        name, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
        return Login(name=name, password=password.strip("\0"))
    return Login(name=str(entry["username"]), password=str(entry["password"])) if entry.get("username") else None


def _helped(document: Mapping[str, Any], names: tuple[str, ...], host: str) -> Login | None:
    """What the helper of a registry gives; None where there is no helper, or it has nothing."""
    helpers: Mapping[str, Any] = document.get("credHelpers") or {}
    helper = str(next((helpers[name] for name in names if helpers.get(name)), document.get("credsStore") or ""))
    if not helper:
        return None
    if not _HELPER.fullmatch(helper):
        raise ValueError("no name of a program")
    try:
        run = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=names[0].encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _failed(host, helper, type(error).__name__) from None
    if run.returncode:
        # The words of docker-credential-helpers, by which Docker tells a miss from a failure too.
        if b"credentials not found" in run.stdout:
            return None
        raise _failed(host, helper, f"it ended with {run.returncode}")
    if len(run.stdout) > MAX_ANSWER:
        raise _failed(host, helper, "it says too much")
    given = json.loads(run.stdout)
    name, secret = str(given["Username"]), str(given["Secret"])
    return Login(token=secret) if name == TOKEN else Login(name=name, password=secret)


def _failed(host: str, helper: str, what: str) -> RegistryError:
    return RegistryError(f"{host}: the stored login cannot be read: docker-credential-{helper}: {what}")


def _host(key: str) -> str:
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]
