"""One commit as a Tree, read from git's objects alone; what a folder lists is remembered by its id, for all commits.

A submodule is the folder of its commit's tree, as a checkout has it. One that is not checked out is not there; one
whose commit cannot be read stands as a file with that commit's id, so that another commit is another file.
"""

from __future__ import annotations

import functools
import io
import os
import posixpath
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from planner.errors import GitError, InputError
from planner.local.ids import HIDDEN, tree_id
from planner.local.objects import NOTHING, Listing, Objects
from planner.model.entry import MODE_EXECUTABLE, MODE_FILE, MODE_FOLDER, MODE_LINK, Entry

if TYPE_CHECKING:
    from pathlib import Path

MODE_SUBMODULE = 0o160000
LARGEST = 1 << 34
FILES = (MODE_FILE, MODE_EXECUTABLE)


class RevisionTree:
    """The files of one commit below the workspace's folder.

    `checkout` is that folder on disk, where submodules have their repositories; None where there is none. `top` is the
    tree of the whole commit, and `prefix` the workspace's folder in it, with a final `/`. `nested` are paths at which
    the index has other repositories: some are no submodules that anybody wrote down.
    """

    def __init__(
        self,
        objects: Objects,
        root: str,
        algorithm: str,
        checkout: Path | str | None,
        commit: str = "",
        *,
        top: str = "",
        prefix: str = "",
        nested: Sequence[str] = (),
    ) -> None:
        self.objects = objects
        self.root = root
        self.algorithm = algorithm
        self.checkout = checkout
        self.commit = commit
        self.top = top or root
        self.prefix = prefix
        self.nested = nested
        self._listings: dict[str, Listing] = {}
        self._trees: dict[str, RevisionTree | None] = {}
        self._entries: dict[str, tuple[Entry, ...]] = {}

    @functools.cached_property
    def submodules(self) -> tuple[str, ...]:
        """The paths at which `.gitmodules` says that submodules are, and those of other repositories nested here."""
        nested = [path for path in self.nested if (raw := self._raw(path)) and raw.mode == MODE_SUBMODULE]
        if not self.top or ".gitmodules" not in self.objects.listing(self.top).named:
            return tuple(nested)
        from planner.local.submodules import declared  # most repositories have none

        return tuple(dict.fromkeys((*declared(self.objects, self.top, self.prefix), *nested)))

    @functools.cached_property
    def content(self) -> str:
        """What says of two trees in one checkout that they hold the same: the root's id, and which submodules are here.

        A submodule that is not checked out is not there, and may be some other time.
        """
        here = [self.root]
        for path in self.submodules:
            if self._is_checked_out(path):
                here.append(path)
                # To read one of its commits takes another git: only where it may have submodules of its own.
                nested = os.path.exists(posixpath.join(self.checkout or "", path, ".gitmodules"))  # noqa: PTH110
                tree = self._tree_of(path) if nested else None
                here.append(tree.content if tree is not None else "")
        return "\0".join(here)

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        tree, inside = self._at(path)
        if tree is not self and inside:
            return tree.entry(inside)
        found = self._raw(path)
        if found is not None and found.mode == MODE_SUBMODULE:
            return self._submodule(path, found)
        if found is not None and found.mode == MODE_FOLDER and self._holds_submodule(path):
            return self._folder(found.name, self.entries(path))
        return found

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree."""
        tree, inside = self._at(path)
        if tree is not self:
            return tree.entries(inside)
        listed = self._listing(path).entries
        as_listed = all(entry.name not in HIDDEN and entry.mode != MODE_SUBMODULE for entry in listed)
        if as_listed and not self._holds_submodule(path):
            return listed
        if path not in self._entries:
            inner = (self.entry(f"{path}/{entry.name}" if path else entry.name) for entry in listed)
            self._entries[path] = tuple(entry for entry in inner if entry is not None)
        return self._entries[path]

    def list_ahead(self, paths: Sequence[str]) -> None:
        """Ask at once, level by level, for the folders that hold these paths, which will be asked for one by one."""
        ways = [path.split("/")[:-1] for path in paths]
        for depth in range(max(map(len, ways), default=0) + 1):
            folders = {"/".join(way[:depth]) for way in ways if len(way) >= depth}
            found = [self._raw(folder) for folder in folders if folder]
            self.objects.list_ahead(entry.oid for entry in found if entry is not None and entry.mode == MODE_FOLDER)

    def read_ahead(self, paths: Sequence[str]) -> None:
        """Ask at once for these files, which will be read one by one, and for the folders that hold them."""
        self.list_ahead(paths)
        found = map(self._raw, paths)
        self.objects.read_ahead(entry.oid for entry in found if entry is not None and entry.mode in FILES)

    def _raw(self, path: str) -> Entry | None:
        """What git's own tree has at a path."""
        folder, _, name = path.rpartition("/")
        return None if name in HIDDEN else self._listing(folder).named.get(name)

    def _listing(self, path: str) -> Listing:
        if path not in self._listings:
            folder = self._raw(path) if path else None
            oid = self.root if not path else folder.oid if folder is not None and folder.mode == MODE_FOLDER else ""
            self._listings[path] = self.objects.listing(oid) if oid else NOTHING
        return self._listings[path]

    def _at(self, path: str) -> tuple[RevisionTree, str]:
        """The tree that holds a path, which may be that of a submodule, and the path there."""
        for submodule in self.submodules:
            if path == submodule or path.startswith(f"{submodule}/"):
                tree = self._tree_of(submodule)
                if tree is not None:
                    return tree, path[len(submodule) + 1 :]
        return self, path

    def _holds_submodule(self, folder: str) -> bool:
        return any(not folder or submodule.startswith(f"{folder}/") for submodule in self.submodules)

    def _folder(self, name: str, entries: Sequence[Entry]) -> Entry | None:
        return Entry(name, MODE_FOLDER, self.tree_id(entries)) if entries else None

    def _tree_of(self, submodule: str) -> RevisionTree | None:
        """The tree of a submodule's commit, None where none can be read."""
        if submodule not in self._trees:
            found = self._raw(submodule)
            tree = None
            if found is not None and found.mode == MODE_SUBMODULE and self._is_checked_out(submodule):
                tree = _read(posixpath.join(self.checkout or "", submodule), found.oid, self.algorithm)
            self._trees[submodule] = tree
        return self._trees[submodule]

    def _is_checked_out(self, path: str) -> bool:
        return self.checkout is not None and os.path.exists(posixpath.join(self.checkout, path, ".git"))  # noqa: PTH110

    def _submodule(self, path: str, found: Entry) -> Entry | None:
        tree = self._tree_of(path) if path in self.submodules else None
        if tree is not None:
            return self._folder(found.name, tree.entries(""))
        if self.checkout is not None and path in self.submodules and not self._is_checked_out(path):
            return None
        return Entry(found.name, MODE_FILE, found.oid)

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        tree, inside = self._at(path)
        if tree is not self:
            return tree.read(inside, limit)
        found = self.entry(path)
        if found is None or found.mode == MODE_FOLDER:
            raise InputError(f"{path}: is not there")
        self._refuse_commit(path)
        return self.objects.read(found.oid, "blob", limit)

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        tree, inside = self._at(path)
        if tree is not self:
            return tree.open(inside)
        found = self.entry(path)
        if found is None or found.mode in (MODE_FOLDER, MODE_LINK):
            raise InputError(f"{path}: is no regular file")
        self._refuse_commit(path)
        return io.BytesIO(self.objects.read(found.oid, "blob", LARGEST))

    def _refuse_commit(self, path: str) -> None:
        found = self._raw(path)
        if found is not None and found.mode == MODE_SUBMODULE:
            raise InputError(f"{path}: is a commit of another repository, of which this one holds no file")

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return tree_id(entries, self.algorithm)


def _read(folder: Path | str, commit: str, algorithm: str) -> RevisionTree | None:
    objects = Objects(folder)
    try:
        return RevisionTree(objects, objects.tree_at(commit), algorithm, folder, commit)
    except GitError:  # It is not fetched.
        return None
