"""Reads files that a person names: bounded in bytes and in time, and nothing that is neither a file nor a pipe.

A pipe is what `--policy <(sops -d policy.yaml)` names. It is read to its end, however long nothing comes at first.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0
"""Seconds in which all of a pipe has to come."""
WRITER = 5.0
"""Seconds in which somebody has to open a pipe's other end."""
CHUNK = 1 << 20
_CAME: dict[tuple[int, int], bytes] = {}
"""What came through each pipe: nothing comes twice, and a policy is looked at in several places."""


def read(path: str | os.PathLike[str], most: int, look: Callable[[os.stat_result], None] | None = None) -> bytes:
    """The bytes of a file, a pipe or the null device. `look` sees what the system says of it before anything is read.

    Raises OSError whose `strerror` says what is wrong, also where there are more bytes than `most`.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "is no name that a file can have") from error
    try:
        status = os.fstat(handle)
        if look is not None:
            look(status)
        if stat.S_ISFIFO(status.st_mode):
            came = _CAME.get((status.st_dev, status.st_ino))
            if came is None:
                came = _CAME[status.st_dev, status.st_ino] = _of_pipe(handle, most)
            return _bounded(came, most)
        if not stat.S_ISREG(status.st_mode) and not _is_null(status):
            if stat.S_ISDIR(status.st_mode):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
            raise OSError(errno.EINVAL, "is neither a file nor a pipe")
        with open(handle, "rb", closefd=False) as stream:
            return _bounded(stream.read(most + 1), most)
    finally:
        os.close(handle)


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev


def _bounded(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise OSError(errno.EFBIG, f"is longer than {most} bytes")
    return data


def _of_pipe(handle: int, most: int) -> bytes:
    """All that comes through a pipe. It has no end before somebody opened its other one."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    data, is_open = bytearray(), False
    ends = time.monotonic() + WRITER
    while len(data) <= most:
        try:
            piece = os.read(handle, CHUNK)
        except BlockingIOError:
            is_waiting = True
        else:
            data += piece
            is_waiting = not piece
            if is_waiting and is_open:
                break
        left = ends - time.monotonic()
        if left < 0 or (is_waiting and not poll.poll(left * 1000)):
            what = f"its other end did not close within {PATIENCE:g} s" if is_open else "nobody writes to this pipe"
            raise OSError(errno.ETIMEDOUT, what)
        if not is_open:
            is_open, ends = True, time.monotonic() + PATIENCE
    return _bounded(bytes(data), most)
