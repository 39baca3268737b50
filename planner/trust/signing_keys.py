"""The keys that registry tokens are signed with: made, kept in one file, rotated; and the set that a registry reads.

A registry reads its set of keys when it starts, so the next key is in the set before it is used: after a rotation the
server signs with a key that the registry knows already, and the registry has until the next rotation to start anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from planner.errors import PlannerError
from planner.system import given_files

ALGORITHM = "ES256"
CURVE = "P-256"
MAX_FILE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class SigningKeys:
    """The key in use, the one after it, and the one before it, whose tokens may still be about."""

    current: ECKey
    following: ECKey
    previous: ECKey | None = None

    def rotated(self) -> SigningKeys:
        """The next key in use, and a new one after it."""
        return SigningKeys(current=self.following, following=new_key(), previous=self.current)

    def public(self) -> str:
        """The set of public keys that a registry reads (RFC 7517)."""
        keys = [key for key in (self.previous, self.current, self.following) if key is not None]
        shown = [{**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM} for key in keys]
        return json.dumps({"keys": shown}, indent=2)


def new_key() -> ECKey:
    """A key with an id that says nothing."""
    return ECKey.generate_key(CURVE, parameters={"kid": secrets.token_hex(8)})


def new_keys() -> SigningKeys:
    """The first keys of a server."""
    return SigningKeys(current=new_key(), following=new_key())


def save(keys: SigningKeys, path: Path, public: Path) -> None:
    """Write the public set first, then the private file, readable by its owner alone. Raises PlannerError."""
    roles = {"current": keys.current, "following": keys.following, "previous": keys.previous}
    document = {
        "version": 1,
        **{role: key.as_dict(private=True) if key is not None else None for role, key in roles.items()},
    }
    _replace(public, keys.public() + "\n", 0o644)
    _replace(path, json.dumps(document) + "\n", 0o600)


def _replace(path: Path, text: str, mode: int) -> None:
    staging = ""
    try:
        handle, staging = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with open(handle, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(staging).replace(path)
    except OSError as error:
        if staging:
            with contextlib.suppress(OSError):
                Path(staging).unlink()
        raise PlannerError(f"{path}: cannot be written: {error.strerror}") from error


def load(path: Path) -> SigningKeys:
    """The keys of a file that nobody else can read. Raises PlannerError, with nothing of the file in it."""

    def look(status: os.stat_result) -> None:
        if status.st_mode & 0o077:
            raise PlannerError(f"{path}: others can read it\n  chmod 600, or make new keys if they have")

    try:
        document: Any = json.loads(given_files.read(path, MAX_FILE, look))
        previous = document["previous"]
        return SigningKeys(
            current=ECKey.import_key(document["current"]),
            following=ECKey.import_key(document["following"]),
            previous=ECKey.import_key(previous) if previous is not None else None,
        )
    except OSError as error:
        hint = "planner token-server init makes it"
        raise PlannerError(f"{path}: cannot be read: {error.strerror}\n  {hint}") from error
    except (ValueError, KeyError, TypeError, JoseError, RecursionError) as error:
        raise PlannerError(f"{path}: holds no signing keys") from error
