"""A tree in which one path holds something else than it does: nothing, a file that nobody has seen, or a link.

It answers what an edit of that path could change, without knowing which edit.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import BinaryIO

from planner.model.entry import Promised, folder_entry
from planner.ports import MODE_FOLDER, Entry, Tree


class LinkRead(Exception):
    """Somebody asked where the supposed link leads: whatever that is decides."""


class Supposed:
    """A Tree over another one. What stands below `path` is gone; folders are made where it needs them."""

    def __init__(self, tree: Tree, path: str, mode: int | None) -> None:
        """`mode` is that of the file or link at `path`, None for nothing."""
        self.tree = tree
        self.path = path
        self.put = None if mode is None else Entry(path.rpartition("/")[2], mode, "5" * len(tree.tree_id(())))
        self._folders: dict[str, tuple[Entry, ...]] = {}
        self._ids: dict[str, Entry | None] = {}

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        if path == self.path:
            return self.put
        if path.startswith(f"{self.path}/"):
            return None
        if not self.path.startswith(f"{path}/"):
            return self.tree.entry(path)
        if path not in self._ids:
            self._ids[path] = self._folder(path)
        return self._ids[path]

    def _folder(self, path: str) -> Entry | None:
        known = self.tree.entry(path)
        if self.put is None and (known is None or known.mode != MODE_FOLDER):
            return known
        inside, name = self.entries(path), path.rpartition("/")[2]
        made = functools.cache(lambda: folder_entry(name, inside, self.tree.tree_id))
        return Promised.of(name, MODE_FOLDER, made) if inside else None

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree."""
        if path == self.path or path.startswith(f"{self.path}/"):
            return ()
        below = self.path[len(path) + 1 :] if path else self.path
        if path and not self.path.startswith(f"{path}/"):
            return self.tree.entries(path)
        if path not in self._folders:
            name = below.partition("/")[0]
            kept = [entry for entry in self.tree.entries(path) if entry.name != name]
            changed = self.entry(f"{path}/{name}" if path else name)
            kept += [changed] if changed is not None else []
            self._folders[path] = tuple(sorted(kept, key=lambda one: one.name.encode("utf-8", "surrogateescape")))
        return self._folders[path]

    def read(self, path: str, limit: int) -> bytes:
        """See Tree. Raises LinkRead for the supposed link."""
        if path == self.path:
            raise LinkRead
        return self.tree.read(path, limit)

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        return self.tree.open(path)

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return self.tree.tree_id(entries)
