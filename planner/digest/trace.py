"""Takes note of what is asked of a tree, and turns it into a Trace: would another tree have answered the same?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from planner.model.entry import MODE_FOLDER, Entry
from planner.ports import Tree

Trace = Mapping[str, str]
"""Paths with what a tree said of them: nothing, `MODE ID`, or the mode of a folder of which no more was asked."""

FOLDER = f"{MODE_FOLDER:o}"


class Traced:
    """A tree that takes note of the paths that it is asked for, until they are taken."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._whole: set[str] = set()
        self._modes: set[str] = set()

    def entry(self, path: str) -> Entry | None:
        """See Tree. The id of a folder says all that it holds, so all that is counted as asked."""
        self._whole.add(path)
        return self.tree.entry(path)

    def mode(self, path: str) -> int:
        """The mode of what is at a path, 0 where nothing is; what a folder holds is not asked."""
        self._modes.add(path)
        found = self.tree.entry(path)
        return 0 if found is None else found.mode

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree."""
        self._whole.add(path)
        return self.tree.entries(path)

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        self._whole.add(path)
        return self.tree.read(path, limit)

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        self._whole.add(path)
        return self.tree.open(path)

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return self.tree.tree_id(entries)

    def taken(self) -> Trace:
        """All that was asked since the last time; what a folder's id says already is left out."""
        whole, modes = self._whole, self._modes - self._whole
        self._whole, self._modes = set(), set()
        trace = {path: told(self.tree, path) for path in whole if not _below(path, whole)}
        for path in modes:
            if not _below(path, whole):
                trace[path] = _kind(self.tree, path)
        return trace


def _below(path: str, folders: set[str]) -> bool:
    while path:
        path = path.rpartition("/")[0]
        if path in folders:
            return True
    return False


def covers(trace: Trace, path: str) -> bool:
    """Whether an edit at a path, or of anything below it, could change what a trace says.

    "" and a path that ends in `/` stand for a folder with all that it may ever hold.
    """
    clean = path.rstrip("/")
    if not clean or clean in trace or "" in trace:
        return True
    above = clean
    while above := above.rpartition("/")[0]:
        if above in trace:
            return True
    return any(place.startswith(f"{clean}/") for place in trace)


def told(tree: Tree, path: str) -> str:
    """What a tree says of a path: its mode and id, or nothing."""
    if not path:
        return f"{FOLDER} {tree.tree_id(tree.entries(''))}"
    found = tree.entry(path)
    return "" if found is None else f"{found.mode:o} {found.oid}"


def _kind(tree: Tree, path: str) -> str:
    found = tree.entry(path)
    return FOLDER if not path or (found is not None and found.mode == MODE_FOLDER) else told(tree, path)


def agrees(tree: Tree, trace: Trace) -> bool:
    """Whether a tree says the same of every path."""
    return all(said == (_kind(tree, path) if said == FOLDER else told(tree, path)) for path, said in trace.items())
