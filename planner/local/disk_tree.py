"""A plain folder as a Tree: ids computed from the bytes on disk, no git needed."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from planner.errors import InputError
from planner.local.disk_files import DiskFiles
from planner.local.ids import HIDDEN, blob_id, by_name, tree_id
from planner.model.entry import (
    MODE_EXECUTABLE,
    MODE_FILE,
    MODE_FOLDER,
    MODE_LINK,
    Entry,
    Promised,
    Unread,
    folder_entry,
)

if TYPE_CHECKING:
    from pathlib import Path

    from planner.local.remembered_ids import RememberedIds

_KINDS = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}
"""What may count of all that can stand at a path."""


MODE, LISTED = "//", "///"
"""Behind a path: of what is there the mode alone was asked; of a folder the names and the mode of each."""


class DiskTree:
    """The files below a folder as they are now. What was asked once is answered the same for the whole run.

    No id is made before somebody asks for it, and nothing is looked at in a folder of which nobody asks more than
    whether it holds any file. Files that are known by `ids` are not read.
    """

    def __init__(self, root: Path | str, algorithm: str = "sha1", ids: RememberedIds | None = None) -> None:
        self.root = root
        self.algorithm = algorithm
        self.files = DiskFiles(root, algorithm, ids)
        self._known: dict[str, Entry | None] = {}
        self._made: dict[str, Entry] = {}
        self._folders: dict[str, tuple[Entry, ...]] = {}
        self._names: dict[str, list[tuple[str, str]]] = {}
        self._holding: dict[str, bool] = {}
        self.forget_questions()

    def forget_questions(self) -> None:
        """Let `asked` tell no more than what is asked from now on; what was answered is not looked at again."""
        self._whole: set[str] = set()
        self._listed: set[str] = set()
        self._alone: set[str] = set()
        self._visited: dict[str, str] = {}

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        self._alone.add(path)
        if path in self._known:
            return self._known[path]
        folder, _, name = path.rpartition("/")
        found = None
        if name not in HIDDEN and self.files.is_folder(folder):
            found = self._read_entry(path, name)
        self._known[path] = found
        return found

    def _read_entry(self, path: str, name: str) -> Entry | None:
        status = self.files.lstat(path)
        if status is None:
            return None
        mode = MODE_EXECUTABLE if status.st_mode & stat.S_IXUSR else MODE_FILE
        if stat.S_ISDIR(status.st_mode):
            if not self._holds_any(path):
                return None
            return Promised.of(name, MODE_FOLDER, functools.partial(self._folder, path, name))
        if stat.S_ISLNK(status.st_mode):
            return Promised.of(name, MODE_LINK, functools.partial(self._file, path, name, MODE_LINK, status))
        if stat.S_ISREG(status.st_mode):
            return Promised.of(name, mode, functools.partial(self._file, path, name, mode, status))
        return None

    def _file(self, path: str, name: str, mode: int, status: os.stat_result) -> Entry:
        """A file or link with its id."""
        self._whole.add(path)
        if path not in self._made:
            try:
                if mode == MODE_LINK:
                    oid = blob_id(self.files.link(path), self.algorithm)
                else:
                    oid = self.files.id_of(path, status)
                self._made[path] = Entry(name, mode, oid)
            except InputError as error:
                self._made[path] = Unread.of(name, mode, error)
        return self._made[path]

    def _folder(self, path: str, name: str) -> Entry:
        """A folder with its id."""
        self._whole.add(path)
        if path not in self._made:
            try:
                self._make(path)
            except InputError as error:
                self._made[path] = Unread.of(name, MODE_FOLDER, error)
        return self._made[path]

    def _make(self, path: str) -> None:
        """Make the ids of a folder and all below it, deepest first, with no call for each level: thousands may nest.

        Raises InputError for a folder that cannot be listed.
        """
        waiting = [(path, self._folders_in(path))]
        while waiting:
            at, folders = waiting[-1]
            if folders:
                below = folders.pop()
                if below not in self._made:
                    with contextlib.suppress(InputError):  # It will be unread.
                        waiting.append((below, self._folders_in(below)))
                continue
            waiting.pop()
            found = tuple(entry.made if isinstance(entry, Promised) else entry for entry in self._folders[at])
            self._whole.add(at)
            self._made[at] = folder_entry(at.rpartition("/")[2], found, self.tree_id)

    def _folders_in(self, path: str) -> list[str]:
        head = f"{path}/" if path else ""
        return [head + entry.name for entry in self.entries(path) if entry.mode == MODE_FOLDER]

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree. Sockets, pipes and devices are left out, and so are folders that hold no file."""
        self._listed.add(path)
        if path not in self._folders:
            head = f"{path}/" if path else ""
            names = self._held(path) if self.files.is_folder(path) else ()
            found = [self._entry_in(head + name, name) for name, _ in names if name not in HIDDEN]
            self._folders[path] = by_name([entry for entry in found if entry is not None])
        return self._folders[path]

    def _entry_in(self, path: str, name: str) -> Entry | None:
        """The entry of a name in a folder that was just listed."""
        if path not in self._known:
            self._known[path] = self._read_entry(path, name)
        return self._known[path]

    def _holds_any(self, path: str) -> bool:
        """Whether a folder holds a file, a link, or a folder that does or cannot be listed. Looks no further."""
        way: list[tuple[str, Iterator[str]]] = []
        at: str | None = path
        while at is not None:
            if at not in self._holding:
                is_full, below = self._glance(at)
                if is_full or not below:
                    self._holding[at] = is_full
                else:
                    way.append((at, iter(below)))
            if self._holding.get(at):
                self._holding.update(dict.fromkeys((folder for folder, _ in way), True))
                return True
            at = None
            while way and at is None:
                at = next(way[-1][1], None)
                if at is None:
                    self._holding[way.pop()[0]] = False
        return False

    def _glance(self, path: str) -> tuple[bool, list[str]]:
        """Whether a folder itself holds a file or a link, or cannot be listed, and the folders in it."""
        try:
            inside = [(name, kind) for name, kind in self._held(path) if kind and name not in HIDDEN]
        except InputError:
            return True, []
        folder = _KINDS[stat.S_IFDIR]
        return any(kind != folder for _, kind in inside), [f"{path}/{name}" for name, kind in inside if kind == folder]

    def paths(self, path: str, is_skipped: Callable[[str], bool], ignored: Collection[str] = ()) -> Iterator[str]:
        """The regular file at a path, or those below it but for ignored paths and folders of skipped names."""
        waiting = [path]
        while waiting:
            at = waiting.pop()
            name = at.rpartition("/")[2]
            if at in ignored or name in HIDDEN:
                continue
            status = self.files.here(at) if at == path else self.files.lstat(at)
            kind = 0 if status is None else stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR:
                if not is_skipped(name):
                    inside = self._held(at)
                    self._visited[at] = self._shape(inside)
                    waiting.extend(f"{at}/{name}" if at else name for name, _ in reversed(inside))
                continue
            if at == path:  # The names of its folder say it of all others.
                self._visited[at] = _KINDS.get(kind, "")
            if kind == stat.S_IFREG:
                yield at

    def _held(self, path: str) -> Sequence[tuple[str, str]]:
        """The names in a folder and what stands there, of which no file is looked at where the system tells so much."""
        if path not in self._names:
            try:
                with os.scandir(self.files.place(path)) as listing:
                    self._names[path] = sorted((item.name, _kind_of(item)) for item in listing)
            except OSError as error:
                raise InputError(f"{path or '.'}: cannot be listed: {error.strerror}") from error
        return self._names[path]

    def _shape(self, inside: Sequence[tuple[str, str]]) -> str:
        return blob_id(os.fsencode("/".join(f"{name}/{kind}" for name, kind in inside)), self.algorithm)

    def asked(self) -> dict[str, str]:
        """All that was asked so far, in the form of `told`; what a folder says already is left out."""
        whole = [path for path in self._whole if not self._said_above(path)]
        listed = [path for path in self._listed if path not in self._whole and not self._said_above(path)]
        alone = [
            path
            for path in self._alone
            if path not in self._whole and path.rpartition("/")[0] not in self._listed and not self._said_above(path)
        ]
        found = {path: self.told(path) for path in whole}
        found |= {f"{path}{LISTED}": self.told(f"{path}{LISTED}") for path in listed}
        found |= {f"{path}{MODE}": self.told(f"{path}{MODE}") for path in alone}
        return found | {f"{path}/": said for path, said in self._visited.items() if not self._said_above(f"{path}/")}

    def _said_above(self, path: str) -> bool:
        while path:
            path = path.rpartition("/")[0]
            if path in self._whole and self._made[path].mode == MODE_FOLDER:
                return True
        return False

    def told(self, path: str) -> str:
        """What stands at a path, in one text: its mode and id, or nothing.

        With a `/` behind it no more than that something stands there; of a folder its names, and what stands there.
        With MODE or LISTED behind it, see there.
        """
        if path.endswith(LISTED):
            inside = self.entries(path.removesuffix(LISTED))
            return blob_id(os.fsencode("/".join(f"{entry.mode:o} {entry.name}" for entry in inside)), self.algorithm)
        if path.endswith(MODE):
            found = self.entry(path.removesuffix(MODE))
            return "" if found is None else f"{found.mode:o}"
        if path.endswith("/"):
            status = self.files.here(path[:-1])
            kind = 0 if status is None else stat.S_IFMT(status.st_mode)
            return self._shape(self._held(path[:-1])) if kind == stat.S_IFDIR else _KINDS.get(kind, "")
        found = self._folder("", "") if not path else self.entry(path)
        return "" if found is None else f"{found.mode:o} {found.stands_for}"

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        try:
            return self._read(path, limit)
        except InputError:
            # What cannot be read decides too, until it can be.
            with contextlib.suppress(InputError):
                found = self.entry(path)
                if isinstance(found, Promised) and found.mode != MODE_FOLDER:
                    found.made  # noqa: B018
            raise

    def _read(self, path: str, limit: int) -> bytes:
        status = self.files.here(path)
        if status is None:
            raise InputError(f"{path}: is not there")
        if stat.S_ISLNK(status.st_mode):
            data = self.files.link(path)
        else:
            with self.files.open(path) as stream:
                data = stream.read(limit + 1)
        if len(data) > limit:
            raise InputError(f"{path}: is longer than {limit} bytes")
        found, oid = self.entry(path), blob_id(data, self.algorithm)
        is_alike = found is not None and (found.mode == MODE_LINK) == stat.S_ISLNK(status.st_mode)
        if found is not None and is_alike and found.mode != MODE_FOLDER and path not in self._made:
            self._made[path] = Entry(found.name, found.mode, oid)
        if found is None or found.oid != oid:
            raise InputError(f"{path}: changed while it was read")
        return data

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        return self.files.open(path)

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands here with no symlink on the way."""
        return self.files.is_folder(path)

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return tree_id(entries, self.algorithm)


def _kind_of(item: os.DirEntry[str]) -> str:
    if item.is_symlink():
        return _KINDS[stat.S_IFLNK]
    if item.is_dir(follow_symlinks=False):
        return _KINDS[stat.S_IFDIR]
    return _KINDS[stat.S_IFREG] if item.is_file(follow_symlinks=False) else ""
