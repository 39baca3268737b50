"""Remembers git's ids of files on disk by what the system says of each, so that a file that did not change is not read.

As git's index does: a file is taken for unchanged while its size, its two times (to the nanosecond), its inode, its
device and its mode are what they were. An id is remembered only of a file that was last written so long before it was
read that a later write cannot have the same times (git calls files for which that is unsure racy), and only on the file
system of the cache, whose clock can be asked. That must have a time which nobody can set: exFAT and sshfs have none.
All others are read each time. Like all of the cache this may be deleted or damaged at any time.
"""

from __future__ import annotations

import os
import time

from planner.local import cache_file

MARGIN = 60_000_000_000
"""Nanoseconds between the last write of a file and a reading that is remembered.

Some file systems count in 2 s. And what a program writes to a file that it has mapped (`mmap`) gives that a new time
only once for each page until the system has written the page out, which Linux does within 35 s.
"""
FEW = 64
"""Files that are hashed sooner than it takes to read what is remembered, and to write it."""
LARGE = 1 << 20
"""Bytes of a file that is not among the few."""
MOST = 500_000
"""Files of which ids are kept."""


class RememberedIds:
    """The ids of the files below `folder`; `place` is the file that keeps them."""

    def __init__(self, place: str, folder: str, algorithm: str) -> None:
        self.place = place
        self.folder = folder
        self.algorithm = algorithm
        self._kept: dict[str, str] | None = None
        self._met: dict[str, str] = {}
        self._asked = 0
        self._new = 0
        self._device = 0
        self._before = 0

    def again(self) -> None:
        """Files are looked at once more: what is read from now on may be remembered if it was not written since."""
        self._before = 0

    def find(self, path: str, status: os.stat_result) -> str:
        """The id of a file of which the system says this now; "" where it is not known, and has to be read."""
        self._asked += 1
        if self._asked <= FEW and status.st_size < LARGE:
            return ""
        if self._kept is None:
            self._kept = self._read()
        known = self._met.get(path) or self._kept.get(path, "")
        seen, _, oid = known.rpartition(" ")
        if oid and seen == said(status):
            self._met[path] = known
            return oid
        if self._before == 0:
            self._ask_the_clocks()
        return ""

    def _ask_the_clocks(self) -> None:
        self._before = -1  # Nothing is remembered where nothing can be written.
        draft = f"{self.place}.{os.getpid()}.draft"
        try:
            os.makedirs(os.path.dirname(self.place), exist_ok=True)  # noqa: PTH103, PTH120
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                now = os.fstat(handle)
                os.utime(handle, (1, 1))
                aged = os.fstat(handle)
            finally:
                os.close(handle)
                os.unlink(draft)  # noqa: PTH108
        except OSError:
            return
        if aged.st_ctime_ns < now.st_ctime_ns:  # An edit could have all that the system says put back.
            return
        self._device = now.st_dev
        self._before = min(now.st_mtime_ns, now.st_ctime_ns, time.time_ns()) - MARGIN

    def add(self, path: str, before: os.stat_result, after: os.stat_result, oid: str) -> None:
        """Remember the id of a file that `find` did not know, and that was read between these two looks at it."""
        seen, last = said(before), max(before.st_mtime_ns, before.st_ctime_ns)
        if before.st_dev == self._device and last < self._before and said(after) == seen:
            self._met[path] = f"{seen} {oid}"
            self._new += FEW if before.st_size >= LARGE else 1

    def save(self) -> None:
        """Keep what was found, where it is more than a few files, beside what is known of others that are there."""
        if self._new < FEW:
            return
        kept = self._read() if self._kept is None else self._kept
        apart = {path: known for path, known in kept.items() if path not in self._met}
        if len(apart) > len(self._met):
            apart = {path: known for path, known in apart.items() if os.path.lexists(f"{self.folder}/{path}")}
        if len(apart) + len(self._met) <= MOST:
            pairs = [text for pair in {**apart, **self._met}.items() for text in pair]
            cache_file.write(self.place, (self._head(), ["\0".join(pairs)]))
        self._new = 0

    def _head(self) -> list[str]:
        return [cache_file.SCHEMA, self.algorithm, self.folder]

    def _read(self) -> dict[str, str]:
        groups = cache_file.read(self.place)
        if groups is None or len(groups) != 2 or groups[0] != self._head() or len(groups[1]) != 1:
            return {}
        texts = groups[1][0].split("\0")
        return dict(zip(texts[::2], texts[1::2], strict=False))


def said(status: os.stat_result) -> str:
    """What the system says of a file, in one text: two that are alike are of the same bytes."""
    return (
        f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_dev} {status.st_mode}"
    )


_open: dict[tuple[str, str], RememberedIds] = {}


def of(cache: str, folder: str, algorithm: str) -> RememberedIds | None:
    """What is remembered of the files below a folder, the same for a whole process; None without a cache."""
    if not cache:
        return None
    root = os.path.realpath(folder)
    place = f"{cache}/ids-{cache_file.digest([root])}"
    found = _open.setdefault((place, algorithm), RememberedIds(place, root, algorithm))
    found.again()
    return found


def save() -> None:
    """Keep for the next process what was found in this one."""
    for ids in _open.values():
        ids.save()
