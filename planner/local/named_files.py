"""A tree in which files that a command line names are there also where only the disk has them: git may ignore them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, BinaryIO

from planner.local.disk_tree import DiskTree
from planner.model.entry import Entry
from planner.ports import Tree

if TYPE_CHECKING:
    from pathlib import Path


class NamedFiles:
    """A Tree over another one: what that has itself counts."""

    def __init__(self, tree: Tree, folder: Path, names: Collection[str]) -> None:
        self.tree = tree
        self.disk = DiskTree(folder)
        self.names = names

    def _of(self, path: str) -> Tree:
        return self.disk if path in self.names and self.tree.entry(path) is None else self.tree

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        return self._of(path).entry(path)

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree; named files that only the disk has are not listed."""
        return self.tree.entries(path)

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        return self._of(path).read(path, limit)

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        return self._of(path).open(path)

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return self.tree.tree_id(entries)
