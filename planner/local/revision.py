"""One commit as a Tree, read from git's objects alone; what a folder lists is remembered by its id, for all commits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from planner.errors import GitError, InputError
from planner.local.ids import HIDDEN, tree_id
from planner.local.objects import NOTHING, Listing, Objects
from planner.local.process import ask
from planner.model.entry import MODE_FOLDER, MODE_LINK, Entry

MODE_SUBMODULE = 0o160000
LARGEST = 1 << 34


class RevisionTree:
    """The files of one commit below the workspace's folder."""

    def __init__(self, objects: Objects, root: str, algorithm: str, submodules: Path | None, commit: str = "") -> None:
        self.objects = objects
        self.root = root
        self.algorithm = algorithm
        self.submodules = submodules
        self.commit = commit
        self._listings: dict[str, Listing] = {}

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        folder, _, name = path.rpartition("/")
        found = None if name in HIDDEN else self._listing(folder).named.get(name)
        if found is not None and found.mode == MODE_SUBMODULE:
            raise self._submodule(path, found)
        return found

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree."""
        listed = self._listing(path).entries
        kept = [entry for entry in listed if entry.name not in HIDDEN]
        for entry in kept:
            if entry.mode == MODE_SUBMODULE:
                raise self._submodule(f"{path}/{entry.name}" if path else entry.name, entry)
        return listed if len(kept) == len(listed) else kept

    def _listing(self, path: str) -> Listing:
        if path not in self._listings:
            folder = self.entry(path) if path else None
            oid = self.root if not path else folder.oid if folder is not None and folder.mode == MODE_FOLDER else ""
            self._listings[path] = self.objects.listing(oid) if oid else NOTHING
        return self._listings[path]

    def _submodule(self, path: str, entry: Entry) -> GitError:
        """A submodule stands for the tree of its commit, which its own repository must hold."""
        if self.submodules is None or not (self.submodules / path / ".git").exists():
            return GitError(f"{path}: the submodule is not here: run git submodule update --init {path}")
        tree = ask(self.submodules / path, "rev-parse", "--verify", f"{entry.oid}^{{tree}}").decode().strip()
        return GitError(
            f"{path}: a revision with submodules is not supported yet (tree {tree[:12]}): plan without --since"
        )

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        found = self.entry(path)
        if found is None or found.mode == MODE_FOLDER:
            raise InputError(f"{path}: is not there")
        return self.objects.read(found.oid, "blob", limit)

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        found = self.entry(path)
        if found is None or found.mode in (MODE_FOLDER, MODE_LINK):
            raise InputError(f"{path}: is no regular file")
        return io.BytesIO(self.objects.read(found.oid, "blob", LARGEST))

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return tree_id(entries, self.algorithm)
