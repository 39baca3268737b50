"""What git's index holds as a Tree: the state that the next commit would have."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from planner.errors import GitError, InputError
from planner.local.ids import HIDDEN, blob_id, by_name, tree_id
from planner.local.objects import Objects
from planner.local.process import ask
from planner.local.repository import repository
from planner.local.revision import LARGEST, MODE_SUBMODULE
from planner.model.entry import MODE_EXECUTABLE, MODE_FILE, MODE_FOLDER, MODE_LINK, Entry

Folder = dict[str, "Entry | Folder"]
INTENT_TO_ADD = 1 << 29
"""Git's flag of an entry in the index."""
_PROMISED = re.compile(rb"([^\0]*)\0(?:  [^\n]*\n){4}  size: \d+\tflags: ([0-9a-f]+)\n")


class IndexTree:
    """The staged files below the workspace's folder."""

    def __init__(self, objects: Objects, root: Folder, algorithm: str) -> None:
        self.objects = objects
        self.root = root
        self.algorithm = algorithm
        self._folders: dict[str, tuple[Entry, ...]] = {}

    def _at(self, path: str) -> Entry | Folder | None:
        found: Entry | Folder | None = self.root
        for name in path.split("/") if path else ():
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        found = self._at(path)
        name = path.rpartition("/")[2]
        return Entry(name, MODE_FOLDER, self.tree_id(self.entries(path))) if isinstance(found, dict) else found

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree."""
        if path not in self._folders:
            found = self._at(path)
            inside = found if isinstance(found, dict) else {}
            listed = [self.entry(f"{path}/{name}" if path else name) for name in inside]
            self._folders[path] = by_name([entry for entry in listed if entry is not None])
        return self._folders[path]

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        found = self._at(path)
        if not isinstance(found, Entry):
            raise InputError(f"{path}: is not in the index")
        return self.objects.read(found.oid, "blob", limit)

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        found = self._at(path)
        if not isinstance(found, Entry) or found.mode == MODE_LINK:
            raise InputError(f"{path}: is no regular file in the index")
        return io.BytesIO(self.objects.read(found.oid, "blob", LARGEST))

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return tree_id(entries, self.algorithm)


def index_tree(folder: Path) -> IndexTree:
    """The workspace as the index has it. Raises GitError outside git, and while a merge is not resolved."""
    found = repository(folder)
    if found is None:
        raise GitError(f"{folder}: is not in a git repository, so there is no index")
    root: Folder = {}
    fields = [field for field in ask(folder, "ls-files", "--stage", "-z").split(b"\0") if field]
    nothing = blob_id(b"", found.algorithm).encode()
    promised = _promised(folder) if any(field.split(b" ", 2)[1] == nothing for field in fields) else frozenset()
    for field in fields:
        if field.partition(b"\t")[2] not in promised:
            _put(root, field)
    return IndexTree(Objects(folder), root, found.algorithm)


def _promised(folder: Path) -> frozenset[bytes]:
    """The files that somebody means to add (`git add -N`): they stand in the index empty, and no commit takes them."""
    found = _PROMISED.findall(ask(folder, "ls-files", "--debug", "-z"))
    return frozenset(path for path, flags in found if int(flags, 16) & INTENT_TO_ADD)


def _put(root: Folder, field: bytes) -> None:
    """Add one entry, written `MODE OID STAGE<tab>PATH`."""
    facts, _, raw = field.partition(b"\t")
    mode, oid, stage = facts.decode().split(" ")
    path = raw.decode("utf-8", "surrogateescape")
    if stage != "0":
        raise GitError(f"{path}: is in conflict, so the index is no state yet: resolve it and git add it")
    *folders, name = path.split("/")
    if not HIDDEN.isdisjoint((*folders, name)):
        return
    if int(mode, 8) == MODE_SUBMODULE:
        raise GitError(f"{path}: an index with submodules is not supported yet: compare with WORKTREE")
    at = root
    for part in folders:
        below = at.setdefault(part, {})
        if not isinstance(below, dict):
            raise GitError(f"{path}: the index holds a file and a folder of one name")
        at = below
    kind = MODE_LINK if int(mode, 8) == MODE_LINK else MODE_EXECUTABLE if int(mode, 8) & 0o100 else MODE_FILE
    at[name] = Entry(name, kind, oid)
