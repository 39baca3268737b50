"""A plain folder as a Tree: ids computed from the bytes on disk, no git needed."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from planner.errors import InputError
from planner.local.ids import HIDDEN, blob_id, by_name, digest_of, tree_id
from planner.model.entry import MODE_EXECUTABLE, MODE_FILE, MODE_FOLDER, MODE_LINK, Entry, Unread, folder_entry

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20
_KINDS = {stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}
"""What may count of all that can stand at a path."""


class DiskTree:
    """The files below a folder as they are now. What was asked once is answered the same for the whole run."""

    def __init__(self, root: Path | str, algorithm: str = "sha1") -> None:
        self.root = root
        self.algorithm = algorithm
        self._known: dict[str, Entry | None] = {}
        self._folders: dict[str, tuple[Entry, ...]] = {}
        self._visited: dict[str, str] = {}

    def entry(self, path: str) -> Entry | None:
        """See Tree."""
        if path in self._known:
            return self._known[path]
        folder, _, name = path.rpartition("/")
        found = None
        if name not in HIDDEN and self.is_folder(folder):
            found = self._read_entry(path, name)
        self._known[path] = found
        return found

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands here with no symlink on the way."""
        end = 0
        while end < len(path):
            end = path.find("/", end + 1)
            end = len(path) if end < 0 else end
            place = path[:end]
            if place.rpartition("/")[2] in HIDDEN:
                return False
            status = self._lstat(place)
            if status is None or not stat.S_ISDIR(status.st_mode):
                return False
        return True

    def _lstat(self, path: str) -> os.stat_result | None:
        if "\0" in path:  # No file system has such a name.
            return None
        try:
            return os.lstat(self._place(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error

    def _here(self, path: str) -> os.stat_result | None:
        """The same of a path that may lie below a symlink, where nothing of a tree is."""
        return self._lstat(path) if self.is_folder(path.rpartition("/")[0]) else None

    def _place(self, path: str) -> str:
        return f"{self.root}/{path}" if path else os.fspath(self.root)

    def _read_entry(self, path: str, name: str) -> Entry | None:
        status = self._lstat(path)
        if status is None:
            return None
        mode = MODE_EXECUTABLE if status.st_mode & stat.S_IXUSR else MODE_FILE
        try:
            if stat.S_ISDIR(status.st_mode):
                mode = MODE_FOLDER
                inside = self.entries(path)
                return folder_entry(name, inside, self.tree_id) if inside else None
            if stat.S_ISLNK(status.st_mode):
                mode = MODE_LINK
                return Entry(name, mode, blob_id(self._link(path), self.algorithm))
            return Entry(name, mode, self._hash(path)) if stat.S_ISREG(status.st_mode) else None
        except InputError as error:
            return Unread.of(name, mode, error)

    def entries(self, path: str) -> Sequence[Entry]:
        """See Tree. Sockets, pipes and devices are left out, and so are folders that hold no file."""
        if path not in self._folders:
            self._list(path)
        return self._folders[path]

    def _list(self, path: str) -> None:
        """List a folder and all below it, the deepest first, with no call for each level: folders nest by thousands."""
        if not self.is_folder(path):
            self._folders[path] = ()
            return
        waiting = [(path, *self._held(path))]
        while waiting:
            at, names, folders = waiting[-1]
            head = f"{at}/" if at else ""
            if folders:
                below = head + folders.pop()
                if below not in self._folders:
                    with contextlib.suppress(InputError):  # It will be unread.
                        waiting.append((below, *self._held(below)))
                continue
            waiting.pop()
            try:
                found = [self._entry_in(head + name, name) for name in names]
            except InputError:
                if at == path:
                    raise
                continue
            self._folders[at] = by_name([entry for entry in found if entry is not None])

    def _held(self, path: str) -> tuple[list[str], list[str]]:
        """The names in a folder, and those of them that are folders."""
        try:
            with os.scandir(self._place(path)) as listing:
                items = [item for item in listing if item.name not in HIDDEN]
                return [item.name for item in items], [
                    item.name for item in items if item.is_dir(follow_symlinks=False)
                ]
        except OSError as error:
            raise InputError(f"{path or '.'}: cannot be listed: {error.strerror}") from error

    def _entry_in(self, path: str, name: str) -> Entry | None:
        """The entry of a name in a folder that was just listed."""
        if path not in self._known:
            self._known[path] = self._read_entry(path, name)
        return self._known[path]

    def paths(self, path: str, is_skipped: Callable[[str], bool], ignored: Collection[str] = ()) -> Iterator[str]:
        """The regular file at a path, or those below it but for ignored paths and folders of skipped names."""
        waiting = [path]
        while waiting:
            at = waiting.pop()
            name = at.rpartition("/")[2]
            if at in ignored or name in HIDDEN:
                continue
            status = self._here(at) if at == path else self._lstat(at)
            kind = 0 if status is None else stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR:
                if not is_skipped(name):
                    inside = self._kinds(at)
                    self._visited[at] = self._shape(inside)
                    waiting.extend(f"{at}/{name}" if at else name for name, _ in reversed(inside))
                continue
            if at == path:  # The names of its folder say it of all others.
                self._visited[at] = _KINDS.get(kind, "")
            if kind == stat.S_IFREG:
                yield at

    def _kinds(self, path: str) -> list[tuple[str, str]]:
        """The names in a folder and what stands there, of which no file is looked at where the system tells so much."""
        try:
            with os.scandir(self._place(path)) as listing:
                return sorted((item.name, _kind_of(item)) for item in listing)
        except OSError as error:
            raise InputError(f"{path or '.'}: cannot be listed: {error.strerror}") from error

    def _shape(self, inside: Sequence[tuple[str, str]]) -> str:
        return blob_id(os.fsencode("/".join(f"{name}/{kind}" for name, kind in inside)), self.algorithm)

    def asked(self) -> dict[str, str]:
        """All that was asked so far, in the form of `told`; what a folder says already is left out."""
        paths = [*self._known, *(path for path in self._folders if path not in self._known)]
        found = {path: self.told(path) for path in paths if not self._said_above(path)}
        visited = ((f"{path}/", said) for path, said in self._visited.items())
        return found | {path: said for path, said in visited if not self._said_above(path)}

    def _said_above(self, path: str) -> bool:
        while path:
            path = path.rpartition("/")[0]
            if path in self._folders or ((found := self._known.get(path)) is not None and found.mode == MODE_FOLDER):
                return True
        return False

    def told(self, path: str) -> str:
        """What stands at a path, in one text: its mode and id, or nothing.

        With a `/` behind it no more than that something stands there; of a folder its names, and what stands there.
        """
        if path.endswith("/"):
            status = self._here(path[:-1])
            kind = 0 if status is None else stat.S_IFMT(status.st_mode)
            return self._shape(self._kinds(path[:-1])) if kind == stat.S_IFDIR else _KINDS.get(kind, "")
        if not path:
            return folder_entry("", self.entries(path), self.tree_id).stands_for
        found = self.entry(path)
        return "" if found is None else f"{found.mode:o} {found.stands_for}"

    def _link(self, path: str) -> bytes:
        try:
            return os.fsencode(os.readlink(self._place(path)))  # noqa: PTH115
        except OSError as error:
            raise InputError(f"{path}: changed while it was read") from error

    def _hash(self, path: str) -> str:
        with self.open(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            digest = digest_of("blob", size, self.algorithm)
            read = 0
            while chunk := stream.read(CHUNK):
                read += len(chunk)
                digest.update(chunk)
        if read != size:
            raise InputError(f"{path}: changed while it was read")
        return str(digest.hexdigest())

    def read(self, path: str, limit: int) -> bytes:
        """See Tree."""
        status = self._here(path)
        if status is None:
            raise InputError(f"{path}: is not there")
        if stat.S_ISLNK(status.st_mode):
            data = self._link(path)
        else:
            with self.open(path) as stream:
                data = stream.read(limit + 1)
        if len(data) > limit:
            raise InputError(f"{path}: is longer than {limit} bytes")
        found = self.entry(path)
        if found is None or found.oid != blob_id(data, self.algorithm):
            raise InputError(f"{path}: changed while it was read")
        return data

    def open(self, path: str) -> BinaryIO:
        """See Tree."""
        if not self.is_folder(path.rpartition("/")[0]):
            raise InputError(f"{path}: is not there")
        try:
            handle = os.open(self._place(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise InputError(f"{path}: is no regular file")
        return os.fdopen(handle, "rb")

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """See Tree."""
        return tree_id(entries, self.algorithm)


def _kind_of(item: os.DirEntry[str]) -> str:
    if item.is_symlink():
        return _KINDS[stat.S_IFLNK]
    if item.is_dir(follow_symlinks=False):
        return _KINDS[stat.S_IFDIR]
    return _KINDS[stat.S_IFREG] if item.is_file(follow_symlinks=False) else ""
