"""Writes a build context to disk from exactly the files of a request, with git's modes and one time for all of them.

While it writes it computes every file's id anew: what is hashed is what is built, or the build does not start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from planner.errors import InputError
from planner.model.build import FileEntry, FilesContext
from planner.ports import MODE_EXECUTABLE, MODE_FILE, MODE_FOLDER, MODE_LINK, Tree

MTIME = 946_684_800
"""Seconds since 1970 (2000-01-01, UTC): the time of every file and folder, so that equal files make equal layers.

BuildKit takes a file with the same path, size and time for the same file when it has seen a context of the same name
before (fsutil compares metadata only), so each context's folder is named by its content: see `Contexts.folder`.
"""
MAX_LINK = 4096
PATH_MAX = 4096
"""Bytes of a path, its final zero included, that Linux takes."""
ROOM = 40
"""Bytes for what stands between a root and a file of a context: its identity while it is written."""
CHUNK = 1 << 20


class Contexts:
    """The materialised contexts of one run, below `root`. Equal contexts are written once.

    A context with a path that is too long to stand below `root` stands in a folder of `spare`, which is made when it
    is needed; whoever ends the run removes both.
    """

    def __init__(self, root: Path, tree: Tree) -> None:
        self.root = root
        self.tree = tree
        self.spare: Path | None = None
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def folder(self, context: FilesContext, identity: str) -> Path:
        """The folder of a context. `identity` names its content and becomes the folder's name, which is the name

        under which BuildKit remembers what it was sent. Raises InputError when a file is not what it was, and OSError.
        """
        with self._lock:
            lock = self._locks.setdefault(identity, threading.Lock())
            root = self._root_for(context)
        place = root / identity
        with lock:
            if not place.exists():
                staging = root / f"{identity}.part"
                shutil.rmtree(staging, ignore_errors=True)
                staging.mkdir(parents=True)
                for entry in context.files:
                    _write(staging, entry, self.tree)
                _set_times(staging)
                staging.rename(place)
        return place

    def _root_for(self, context: FilesContext) -> Path:
        longest = max((len(os.fsencode(entry.path)) for entry in context.files), default=0)
        if len(os.fsencode(self.root)) + longest + ROOM < PATH_MAX:
            return self.root
        if self.spare is None:
            self.spare = Path(tempfile.mkdtemp(prefix="p-"))
        return self.spare

    def remove_spare(self) -> None:
        """Remove what stands outside `root`."""
        if self.spare is not None:
            shutil.rmtree(self.spare, ignore_errors=True)


def _write(root: Path, entry: FileEntry, tree: Tree) -> None:
    place = root / entry.path
    place.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode == MODE_FOLDER:
        place.mkdir(exist_ok=True)
        return
    if entry.mode == MODE_LINK:
        target = tree.read(entry.source, MAX_LINK)
        _compare(entry, lambda add: add(target), len(target))
        place.symlink_to(os.fsdecode(target))
        return
    with tree.open(entry.source) as source, open(place, "xb") as copy:
        _copy(entry, source, copy)
    place.chmod(0o755 if entry.mode == MODE_EXECUTABLE else 0o644)


def _copy(entry: FileEntry, source: BinaryIO, copy: BinaryIO) -> None:
    size = source.seek(0, os.SEEK_END)
    source.seek(0)

    def feed(add: Callable[[bytes], None]) -> None:
        while chunk := source.read(CHUNK):
            copy.write(chunk)
            add(chunk)

    _compare(entry, feed, size)


def _compare(entry: FileEntry, feed: Callable[[Callable[[bytes], None]], None], size: int) -> None:
    """Hash what is written, as git hashes a blob, and refuse it when it is not what the manifest holds."""
    algorithm = "sha1" if len(entry.oid) == 40 else "sha256"
    digest = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
    feed(digest.update)
    if digest.hexdigest() != entry.oid or entry.mode not in (MODE_FILE, MODE_EXECUTABLE, MODE_LINK):
        raise InputError(f"{entry.source}: changed since the plan was made: plan again")


def _set_times(root: Path) -> None:
    for folder, folders, files in os.walk(root, topdown=False):
        for name in (*folders, *files):  # A symlink to a folder is listed as one, and never entered.
            os.utime(f"{folder}/{name}", (MTIME, MTIME), follow_symlinks=False)
        os.utime(folder, (MTIME, MTIME))
        Path(folder).chmod(0o755)
