"""A worktree as a Tree: clean files and folders answer from git's objects, unread."""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

from planner.errors import GitRefuses
from planner.local import look as looks
from planner.local import remembered_ids
from planner.local.disk_tree import DiskTree
from planner.local.ids import HIDDEN, by_name, tree_id
from planner.local.objects import Objects
from planner.local.revision import FILES, RevisionTree
from planner.local.revisions import tree_of
from planner.local.status import changed_paths
from planner.model.entry import MODE_FOLDER, Entry, Promised, Unread, folder_entry
from planner.model.frozen import dataclass, field

if TYPE_CHECKING:
    from pathlib import Path

FEW = 500
"""Changed paths whose folders are listed ahead; of more, perhaps most are of no image."""


@dataclass
class Changes:
    """What git status says below one folder: names that must be read from disk, and folders that hold such."""

    disk: set[str] = field(default_factory=set)
    below: dict[str, Changes] = field(default_factory=dict)


class WorkTree:
    """The files of a worktree now: HEAD's objects, with everything that differs from them read from disk."""

    def __init__(
        self,
        clean: RevisionTree | None,
        disk: DiskTree,
        changed: Sequence[str],
        look: looks.Look | None = None,
        ignored: Sequence[str] = (),
        refused: str = "",
        modes: Mapping[str, int] | None = None,
    ) -> None:
        """`refused` is what to say of git where it refuses to speak of this worktree."""
        self.look = look
        self.refused = refused
        self.modes = modes or {}
        self.ignored = frozenset(ignored)
        self.clean = clean
        self.disk = disk
        self.algorithm = disk.algorithm
        self.changed = Changes()
        for path in changed:
            at = self.changed
            *folders, name = path.split("/")
            for folder in folders:
                at = at.below.setdefault(folder, Changes())
            at.disk.add(name)
        self._touched = frozenset({*self.changed.disk, *self.changed.below})
        self._folders: dict[str, tuple[Entry, ...]] = {}
        self._named: dict[str, Entry | None] = {}
        self._ids: dict[str, Entry] = {}

    def is_at(self, revision: RevisionTree) -> bool:
        """Whether nothing differs from a revision, told without looking at any file."""
        untouched = not self.changed.disk and not self.changed.below
        return self.clean is not None and untouched and self.clean.root == revision.root

    def touched_since(self, revision: RevisionTree) -> Container[str] | None:
        """The names at the top below which something may differ from a revision, None where that may be any."""
        if self.clean is None or self.clean.root != revision.root:
            return None
        return self._touched

    def agrees_with(self, revision: RevisionTree, path: str, *, whole: bool = True) -> bool:
        """Whether a revision holds the same at a path, told without looking at any file; False where that is unsure.

        Without `whole`, it is enough that a folder stands there in both.
        """
        if self.clean is None:
            return False
        at = self.changed
        for name in path.split("/") if path else ():
            if name in at.disk:
                return False
            if name not in at.below:
                break
            at = at.below[name]
        else:
            if not whole and (at.disk or at.below):
                return _is_folder(self, path) and _is_folder(revision, path)
            return not at.disk and not at.below and self.clean.root == revision.root
        if self.clean.root == revision.root:
            return True
        if not path:
            return not whole
        found, other = self.clean.entry(path), revision.entry(path)
        return found == other or (not whole and _is_folder(self.clean, path) and _is_folder(revision, path))

    def differs_from(self, revision: RevisionTree, folder: str) -> list[str] | None:
        """The paths in a folder that may differ from a revision, of which no more is looked at; None for any."""
        changed = self.changed_at(folder)
        if self.clean is None or changed is True:
            return None
        if self.clean.root != revision.root and (not folder or self.clean.entry(folder) != revision.entry(folder)):
            return None
        return [] if changed is False else self._on_disk(folder, changed)

    def on_disk(self) -> list[str]:
        """The paths that are read from disk, because they may differ from HEAD; a folder stands for all below it."""
        return self._on_disk("", self.changed)

    @staticmethod
    def _on_disk(path: str, changed: Changes) -> list[str]:
        found: list[str] = []
        waiting = [(f"{path}/" if path else "", changed)]
        while waiting:
            head, folder = waiting.pop()
            found.extend(f"{head}{name}" for name in folder.disk if name not in HIDDEN)
            waiting.extend((f"{head}{name}/", below) for name, below in folder.below.items() if name not in HIDDEN)
        return sorted(found)

    def changed_at(self, path: str) -> Changes | bool:
        """The changes below a folder; True where the folder is wholly on disk, False where nothing changed."""
        at = self.changed
        for name in path.split("/") if path else ():
            if name in at.disk:
                return True
            if name not in at.below:
                return False
            at = at.below[name]
        return at

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        folder, _, name = path.rpartition("/")
        changed = self.changed_at(folder)
        if self.clean is None or changed is True:
            return self.disk.entry(path)
        if isinstance(changed, Changes) and name not in HIDDEN:
            if name in changed.disk:
                return self._from_disk(path)
            if name in changed.below:
                return self._folder(name, path)
        return self.clean.entry(path)

    def _from_disk(self, path: str) -> Entry | None:
        """What is on disk, with git's mode where it was told that those on disk mean nothing."""
        found = self.disk.entry(path)
        mode = self.modes.get(path)
        if found is None or found.mode not in FILES or mode not in FILES:
            return found
        return Promised.of(found.name, mode, functools.partial(_with_mode, found, mode))

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree."""
        if path not in self._folders:
            changed = self.changed_at(path)
            if changed is True or self.clean is None:
                self._folders[path] = tuple(self.disk.entries(path))
            elif isinstance(changed, Changes):
                for at, below in self._nested(path, changed):
                    if at not in self._folders:
                        self._folders[at] = self._merged(at, below)
            else:
                self._folders[path] = tuple(self.clean.entries(path))
        return self._folders[path]

    def _merged(self, path: str, changed: Changes) -> tuple[Entry, ...]:
        assert self.clean is not None  # noqa: S101 -- the caller asks only then
        kept = {entry.name: entry for entry in self.clean.entries(path)}
        for name in changed.disk | changed.below.keys():
            kept.pop(name, None)
            inside = f"{path}/{name}" if path else name
            if name in HIDDEN:
                continue
            found = self._from_disk(inside) if name in changed.disk else self._folder(name, inside)
            if found is not None:
                kept[name] = found
        return by_name(list(kept.values()))

    def _folder(self, name: str, path: str) -> Entry | None:
        if path not in self._named:
            make = functools.partial(self._made, path)
            self._named[path] = Promised.of(name, MODE_FOLDER, make) if self.entries(path) else None
        return self._named[path]

    def _made(self, path: str) -> Entry:
        """A folder in which something changed, with its id."""
        changed = self.changed_at(path)
        if path not in self._ids and isinstance(changed, Changes):
            for at, _ in self._nested(path, changed):
                if at not in self._ids:
                    self._ids[at] = folder_entry(at.rpartition("/")[2], self.entries(at), self.tree_id)
        return self._ids[path]

    @staticmethod
    def _nested(path: str, changed: Changes) -> Iterator[tuple[str, Changes]]:
        """A folder in which something changed, behind all those below it: no call for each level.

        What is wholly on disk may have changes below it too: an untracked folder with an ignored one in it.
        """
        found = [(path, changed)]
        for at, folder in found:  # It grows on the way.
            head, done = f"{at}/" if at else "", HIDDEN | folder.disk
            found.extend((f"{head}{name}", below) for name, below in folder.below.items() if name not in done)
        return reversed(found)

    def is_on_disk(self, path: str) -> bool:
        """Whether what is at a path is read from disk."""
        folder, _, name = path.rpartition("/")
        changed = self.changed_at(folder)
        return self.clean is None or changed is True or (isinstance(changed, Changes) and name in changed.disk)

    def read_ahead(self, paths: Sequence[str]) -> None:
        """See RevisionTree; of what is on disk the clean file is read ahead, in vain."""
        if self.clean is not None:
            self.clean.read_ahead(paths)

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        if self.clean is None or self.is_on_disk(path):
            return self.disk.read(path, limit)
        return self.clean.read(path, limit)

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        if self.clean is None or self.is_on_disk(path):
            return self.disk.open(path)
        return self.clean.open(path)

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return tree_id(entries, self.algorithm)


def _with_mode(found: Entry, mode: int) -> Entry:
    made = found.made if isinstance(found, Promised) else found
    return made if isinstance(made, Unread) else Entry(made.name, mode, made.oid)


def _is_folder(tree: WorkTree | RevisionTree, path: str) -> bool:
    found = tree.entry(path) if path else None
    return not path or (found is not None and found.mode == MODE_FOLDER)


def worktree(folder: Path | str) -> WorkTree:
    """The workspace as it is on disk now, with or without git."""
    look = looks.taken(str(folder))
    if look is not None:
        seen = looks.Status(look.head, look.changed, look.ignored, look.modes, look.nested)
        return _seen(folder, seen, look.prefix, look.algorithm, look)
    from planner.local.repository import repository, shows_others

    try:
        found = repository(folder)
    except GitRefuses as error:
        return WorkTree(None, DiskTree(folder), (), refused=str(error))
    if found is None:
        return WorkTree(None, DiskTree(folder), ())
    if shows_others(folder):
        return WorkTree(None, DiskTree(folder, found.algorithm), ())
    return _seen(folder, changed_paths(folder, found.prefix, found.attributes), found.prefix, found.algorithm, None)


def _seen(folder: Path | str, status: looks.Status, prefix: str, algorithm: str, look: looks.Look | None) -> WorkTree:
    ids = None if look is None else remembered_ids.of(look.cache, str(folder), algorithm)
    disk = DiskTree(folder, algorithm, ids)
    if look is not None and look.disk is not None and look.disk.algorithm == algorithm:
        disk, look.disk = look.disk, None
        disk.forget_questions()
    left_out = [path.removeprefix(prefix) for path in status.ignored if path.startswith(prefix)]
    inside = [path.removeprefix(prefix) for path in status.changed if path.startswith(prefix) and path != prefix]
    untracked_above = any(prefix == path or prefix.startswith(f"{path}/") for path in status.changed)
    if not status.head or untracked_above:
        return WorkTree(None, disk, (), ignored=left_out)
    nested = [path.removeprefix(prefix) for path in status.nested if path.startswith(prefix) and path != prefix]
    clean = tree_of(folder, status.head, prefix, algorithm, Objects(folder), nested)
    if len(inside) <= FEW:
        clean.list_ahead(inside)
    modes = {path.removeprefix(prefix): mode for path, mode in status.modes.items()}
    return WorkTree(clean, disk, inside, look, left_out, modes=modes)
