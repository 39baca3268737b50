"""What the system says of the files below a folder, and git's ids of their bytes. Follows no link on the way."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from planner.errors import InputError
from planner.local.ids import HIDDEN, digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from planner.local.remembered_ids import RememberedIds

CHUNK = 1 << 20


class DiskFiles:
    """The files below `root`; paths are relative to it. Files that are known by `ids` are not read."""

    def __init__(self, root: Path | str, algorithm: str, ids: RememberedIds | None) -> None:
        self.root = root
        self.algorithm = algorithm
        self.ids = ids

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands here with no symlink on the way."""
        end = 0
        while end < len(path):
            end = path.find("/", end + 1)
            end = len(path) if end < 0 else end
            above = path[:end]
            if above.rpartition("/")[2] in HIDDEN:
                return False
            status = self.lstat(above)
            if status is None or not stat.S_ISDIR(status.st_mode):
                return False
        return True

    def lstat(self, path: str) -> os.stat_result | None:
        """What stands at a path, None for nothing. Raises InputError for what cannot be looked at."""
        if "\0" in path:  # No file system has such a name.
            return None
        try:
            return os.lstat(self.place(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error

    def here(self, path: str) -> os.stat_result | None:
        """The same of a path that may lie below a symlink, where nothing of a tree is."""
        return self.lstat(path) if self.is_folder(path.rpartition("/")[0]) else None

    def place(self, path: str) -> str:
        """What the system calls a path."""
        return f"{self.root}/{path}" if path else os.fspath(self.root)

    def link(self, path: str) -> bytes:
        """Where a symlink leads. Raises InputError."""
        try:
            return os.fsencode(os.readlink(self.place(path)))  # noqa: PTH115
        except OSError as error:
            raise InputError(f"{path}: changed while it was read") from error

    def id_of(self, path: str, status: os.stat_result) -> str:
        """The id of a regular file of which the system says this. Raises InputError."""
        known = "" if self.ids is None else self.ids.find(path, status)
        return known or self._hash(path)

    def _hash(self, path: str) -> str:
        with self.open(path) as stream:
            before = os.fstat(stream.fileno())
            digest = digest_of("blob", before.st_size, self.algorithm)
            read = 0
            while chunk := stream.read(CHUNK):
                read += len(chunk)
                digest.update(chunk)
            after = os.fstat(stream.fileno())
        if read != before.st_size:
            raise InputError(f"{path}: changed while it was read")
        oid = str(digest.hexdigest())
        if self.ids is not None:
            self.ids.add(path, before, after, oid)
        return oid

    def open(self, path: str) -> BinaryIO:
        """A regular file to read, never one behind a link. Raises InputError."""
        if not self.is_folder(path.rpartition("/")[0]):
            raise InputError(f"{path}: is not there")
        try:
            handle = os.open(self.place(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise InputError(f"{path}: is no regular file")
        return os.fdopen(handle, "rb")
