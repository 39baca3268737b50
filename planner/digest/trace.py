"""Takes note of what is asked of a tree, and turns it into a Trace: would another tree have answered the same?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from planner.model.entry import MODE_FILE, MODE_FOLDER, Entry, folder_entry
from planner.ports import Tree

Trace = Mapping[str, str]
"""Paths with what a tree said of them: nothing, `MODE ID`, or less, where no more was asked."""

FOLDER = f"{MODE_FOLDER:o}"
"""Said of a folder of which no more was asked than what it is."""
THERE = "there"
"""Said of a path of which no more was asked than whether anything is there."""
NAMES = "names "
"""Begins what is said of a folder of which the names alone were asked, and which of them are folders."""
FOUND = "/"
"""Stands for the names of all files of a tree, where some were chosen by name; no path is called so."""
_NO_ID = "0" * 40


class Traced:
    """A tree that takes note of the paths that it is asked for, until they are taken."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._whole: set[str] = set()
        self._modes: set[str] = set()
        self._names: set[str] = set()
        self._there: set[str] = set()
        self._found = ""

    def entry(self, path: str) -> Entry | None:
        """See Tree. The id of a folder says all that it holds, so all that is counted as asked."""
        self._whole.add(path)
        return self.tree.entry(path)

    def mode(self, path: str) -> int:
        """The mode of what is at a path, 0 where nothing is; what a folder holds is not asked."""
        self._modes.add(path)
        found = self.tree.entry(path)
        return 0 if found is None else found.mode

    def is_there(self, path: str) -> bool:
        """Whether anything is at a path; what it is is not asked."""
        self._there.add(path)
        return self.tree.entry(path) is not None

    def names(self, path: str) -> Sequence[tuple[str, bool]]:
        """The names in a folder, and whether each is a folder; no more of them is asked."""
        self._names.add(path)
        return [(entry.name, entry.mode == MODE_FOLDER) for entry in self.tree.entries(path)]

    def found(self, said: str) -> None:
        """Take note that files were chosen among the names of all, and of what these names are."""
        self._found = said

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
        whole = self._whole | (self._modes & self._names)
        trace = {path: told(self.tree, path) for path in whole if not _below(path, whole)}
        # What is said of names tells whether anything is there, and so does the mode of a folder.
        for asked, paths in ((FOLDER, self._modes), (NAMES, self._names), (THERE, self._there)):
            for path in paths:
                if path not in trace and not _below(path, whole):
                    trace[path] = told_like(self.tree, path, asked)
        if self._found:
            trace[FOUND] = self._found
        self._whole, self._modes, self._names, self._there, self._found = set(), set(), set(), set(), ""
        return trace


def _below(path: str, folders: set[str]) -> bool:
    while path:
        path = path.rpartition("/")[0]
        if path in folders:
            return True
    return False


def covers(trace: Trace, path: str) -> bool:
    """Whether an edit at a path, or of anything below it, could change what a trace says.

    "" and a path that ends in `/` stand for a folder with all that it may ever hold. Where files are found by name,
    any edit may add one.
    """
    clean = path.rstrip("/")
    if not clean or clean in trace or "" in trace or FOUND in trace:
        return True
    above = clean
    while above := above.rpartition("/")[0]:
        if above in trace:
            return True
    return any(place.startswith(f"{clean}/") for place in trace)


def told(tree: Tree, path: str) -> str:
    """What a tree says of a path: its mode and id, or nothing."""
    if not path:
        return f"{FOLDER} {folder_entry('', tree.entries(''), tree.tree_id).stands_for}"
    found = tree.entry(path)
    return "" if found is None else f"{found.mode:o} {found.stands_for}"


def told_like(tree: Tree, path: str, said: str) -> str:
    """What a tree says of a path, no more than was asked where this was `said`.

    Of FOUND a tree alone tells nothing: which files are chosen is not known here.
    """
    if path == FOUND:
        return ""
    if said == THERE:
        return "" if tree.entry(path) is None else THERE
    if said.startswith(NAMES):
        return _names(tree, path)
    return _kind(tree, path) if said == FOLDER else told(tree, path)


def _names(tree: Tree, path: str) -> str:
    entries = tree.entries(path)
    if not entries:
        return f"{NAMES}{THERE if path and tree.entry(path) is not None else ''}"
    kinds = (MODE_FOLDER if entry.mode == MODE_FOLDER else MODE_FILE for entry in entries)
    bare = [Entry(entry.name, kind, _NO_ID) for entry, kind in zip(entries, kinds, strict=True)]
    return f"{NAMES}{tree.tree_id(bare)}"


def _kind(tree: Tree, path: str) -> str:
    found = tree.entry(path)
    return FOLDER if not path or (found is not None and found.mode == MODE_FOLDER) else told(tree, path)


def agrees(tree: Tree, trace: Trace) -> bool:
    """Whether a tree says the same of every path."""
    return all(said == told_like(tree, path, said) for path, said in trace.items())
