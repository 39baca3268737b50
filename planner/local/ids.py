"""Git object ids computed from bytes, as git computes them (`blob` and `tree` objects)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from planner.local.look import HIDDEN
from planner.model.entry import MODE_FOLDER, Entry

__all__ = ["HIDDEN", "blob_id", "by_name", "tree_id"]


def blob_id(data: bytes, algorithm: str) -> str:
    """The id of a blob with these bytes; `algorithm` is sha1 or sha256."""
    digest = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def tree_id(entries: Sequence[Entry], algorithm: str) -> str:
    """The id of a tree with these entries, in whatever order they come."""
    encoded = [(entry.name.encode("utf-8", "surrogateescape"), entry) for entry in entries]
    encoded.sort(key=lambda item: item[0] + b"/" if item[1].mode == MODE_FOLDER else item[0])
    body = b"".join(b"%o %s\0" % (entry.mode, name) + bytes.fromhex(entry.oid) for name, entry in encoded)
    digest = hashlib.new(algorithm, b"tree %d\0" % len(body), usedforsecurity=False)
    digest.update(body)
    return digest.hexdigest()


def by_name(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries sorted by the bytes of their names."""
    return tuple(sorted(entries, key=lambda entry: entry.name.encode("utf-8", "surrogateescape")))
