"""Git object ids computed from bytes, as git computes them (`blob` and `tree` objects)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from planner.local.look import HIDDEN
from planner.model.entry import MODE_FOLDER, Entry

if not TYPE_CHECKING:
    try:
        from _sha1 import sha1 as small_sha1  # `hashlib` loads OpenSSL, which takes as long as hashing a few megabytes
    except ImportError:
        small_sha1 = None

__all__ = ["HIDDEN", "blob_id", "by_name", "digest_of", "tree_id"]

SMALL = 1 << 20
"""Bytes below which Python's own SHA-1 is as quick as OpenSSL's."""


def digest_of(kind: str, size: int, algorithm: str) -> Any:
    """The hash of an object of that many bytes, which are still to be given: as those of `hashlib`."""
    header = f"{kind} {size}\0".encode()
    if not TYPE_CHECKING and algorithm == "sha1" and size < SMALL and small_sha1 is not None:
        return small_sha1(header, usedforsecurity=False)
    import hashlib

    return hashlib.new(algorithm, header, usedforsecurity=False)


def blob_id(data: bytes, algorithm: str) -> str:
    """The id of a blob with these bytes; `algorithm` is sha1 or sha256."""
    digest = digest_of("blob", len(data), algorithm)
    digest.update(data)
    return str(digest.hexdigest())


def tree_id(entries: Sequence[Entry], algorithm: str) -> str:
    """The id of a tree with these entries, in whatever order they come."""
    encoded = [(entry.name.encode("utf-8", "surrogateescape"), entry) for entry in entries]
    encoded.sort(key=lambda item: item[0] + b"/" if item[1].mode == MODE_FOLDER else item[0])
    body = b"".join(b"%o %s\0" % (entry.mode, name) + bytes.fromhex(entry.oid) for name, entry in encoded)
    digest = digest_of("tree", len(body), algorithm)
    digest.update(body)
    return str(digest.hexdigest())


def by_name(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries sorted by the bytes of their names."""
    return tuple(sorted(entries, key=lambda entry: entry.name.encode("utf-8", "surrogateescape")))
