"""Finds the files of an index that were written twice in one second, which git's status cannot tell."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = ("ls-files", "--debug", "-z", "--full-name", "--", ".")
"""Asks for what the index says of each file besides its id."""
SECOND = 1_000_000_000
SETTLED = 3
"""Seconds after which a second is over, also by the clock of a file system that is somewhat behind."""


def written_again(times: bytes, place: Callable[[str], str]) -> tuple[list[str], bool]:
    """The files that were written once more in the second in which the index took note of them; whether that is over.

    Git compares whole seconds (unless it is built with USE_NSEC), of which a file's bytes and the file itself have one
    each. Where somebody sets that of the bytes as it was (`cp -p`, `tar`, `touch -d`), only the other one tells of an
    edit, and that not within one second. The index has its nanoseconds. Who sets no times has both in one second, and
    those git compares with the time of the index.
    """
    import re

    found: list[str] = []
    now, last = time.time(), 0
    for match in re.finditer(rb"\0  ctime: (\d+):(\d+)\n  mtime: (?!\1:)", times):
        second, rest = int(match[1]), int(match[2])
        last = max(last, second)
        path = _before(times, match.start())
        try:
            written = os.lstat(place(path)).st_ctime_ns
        except OSError:  # Git says so.
            continue
        # Without nanoseconds in the index nobody knows: its git or the disk counts seconds too.
        if written // SECOND == second and (written % SECOND != rest or not rest):
            found.append(path)
    return found, last + SETTLED < now


def _before(times: bytes, end: int) -> str:
    """The path that ends here in a listing; five lines stand between two of them, and any byte in a path."""
    start = times.rfind(b"\0", 0, end) + 1
    for _ in range(5 if start else 0):
        start = times.index(b"\n", start) + 1
    return times[start:end].decode("utf-8", "surrogateescape")
