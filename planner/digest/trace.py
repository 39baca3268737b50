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
SEEN = "seen "
"""Begins what is said of a folder of a context: the id of what its ignore file leaves of it."""
UNREAD = f"{SEEN}?"
"""Said where something of it cannot be read."""
NAMES = "names "
"""Begins what is said of a folder of which the names alone were asked, and which of them are folders."""
SPLIT = "\0"
"""Stands in a path of a trace between a folder, the context in which it was looked at, and that one's ignore file."""
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
        self._views: dict[str, str] = {}
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
        return self.tree.is_there(path) if isinstance(self.tree, Traced) else self.tree.entry(path) is not None

    def names(self, path: str) -> Sequence[tuple[str, bool]]:
        """The names in a folder, and whether each is a folder; no more of them is asked."""
        self._names.add(path)
        if isinstance(self.tree, Traced):
            return self.tree.names(path)
        return [(entry.name, entry.mode == MODE_FOLDER) for entry in self.tree.entries(path)]

    def found(self, said: str) -> None:
        """Take note that files were chosen among the names of all, and of what these names are."""
        self._found = said

    def seen(self, path: str, root: str, rules: str, said: str) -> None:
        """Take note of what was said of a folder as the rules of the ignore file `rules` leave it, in a context."""
        at = SPLIT.join((path, root, rules))
        if not self._views.get(at, "").startswith(SEEN):  # That tells the names too.
            self._views[at] = said

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
        tree = self.tree
        while isinstance(tree, Traced):  # It took its own note of each question, and this is none.
            tree = tree.tree
        whole = self._whole | (self._modes & self._names)
        trace = {path: told(tree, path) for path in whole if not _below(path, whole)}
        # What is said of names tells whether anything is there, and so does the mode of a folder.
        for tell, paths in ((kind_told, self._modes), (names_told, self._names), (there_told, self._there)):
            for path in paths:
                if path not in trace and not _below(path, whole):
                    trace[path] = tell(tree, path)
        for at, said in self._views.items():
            folder = place_of(at)
            if folder not in whole and not _below(folder, whole):
                trace[at] = said
        if self._found:
            trace[FOUND] = self._found
        self._whole, self._modes, self._names, self._there, self._found = set(), set(), set(), set(), ""
        self._views = {}
        return trace


def _below(path: str, folders: set[str]) -> bool:
    while path:
        path = path.rpartition("/")[0]
        if path in folders:
            return True
    return False


def place_of(at: str) -> str:
    """The path of the workspace that a path of a trace is of."""
    return at.partition(SPLIT)[0]


def covers(trace: Trace, path: str) -> bool:
    """Whether an edit at a path, or of anything below it, could change what a trace says.

    "" and a path that ends in `/` stand for a folder with all that it may ever hold. Where files are found by name,
    any edit may add one.
    """
    clean = path.rstrip("/")
    places = set(map(place_of, trace))
    if not clean or clean in places or "" in places or FOUND in trace:
        return True
    above = clean
    while above := above.rpartition("/")[0]:
        if above in places:
            return True
    return any(place.startswith(f"{clean}/") for place in places)


def told(tree: Tree, path: str) -> str:
    """What a tree says of a path: its mode and id, or nothing."""
    if not path:
        return f"{FOLDER} {folder_entry('', tree.entries(''), tree.tree_id).stands_for}"
    found = tree.entry(path)
    return "" if found is None else f"{found.mode:o} {found.stands_for}"


def there_told(tree: Tree, path: str) -> str:
    """What a tree says of a path where no more is asked than whether anything is there."""
    return "" if tree.entry(path) is None else THERE


def names_told(tree: Tree, path: str) -> str:
    """What a tree says of the names in a folder."""
    entries = tree.entries(path)
    if not entries:
        return f"{NAMES}{THERE if path and tree.entry(path) is not None else ''}"
    return names_of(tree, entries)


def names_of(tree: Tree, entries: Sequence[Entry]) -> str:
    """What these entries say as the names of a folder, and which of them are folders."""
    kinds = (MODE_FOLDER if entry.mode == MODE_FOLDER else MODE_FILE for entry in entries)
    bare = [Entry(entry.name, kind, _NO_ID) for entry, kind in zip(entries, kinds, strict=True)]
    return f"{NAMES}{tree.tree_id(bare)}"


def kind_told(tree: Tree, path: str) -> str:
    """What a tree says of a path where of a folder no more is asked than that it is one."""
    found = tree.entry(path)
    return FOLDER if not path or (found is not None and found.mode == MODE_FOLDER) else told(tree, path)
