"""The text files of a workspace that git tracks, read and written whole."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from planner.errors import InputError
from planner.local.process import ask

MAX_TEXT = 4 << 20


def tracked_text(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every tracked regular file without a zero byte, below the folder. Raises GitError."""
    for raw in sorted(ask(folder, "ls-files", "-z", "--cached").split(b"\0")):
        path = os.fsdecode(raw)
        data = read_text(folder, path) if path else None
        if data is not None:
            yield path, data


def read_text(folder: Path, path: str) -> bytes | None:
    """The bytes of a text file, None for what is none: a link, a folder, something binary, large or gone."""
    try:
        handle = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(MAX_TEXT + 1)
    return None if len(data) > MAX_TEXT or b"\0" in data else data


def rewrite(folder: Path, path: str, before: bytes, after: bytes) -> None:
    """Exchange a file's bytes in one step. Raises InputError where it holds other bytes than `before` by now."""
    place = folder / path
    if read_text(folder, path) != before:
        raise InputError(f"{path}: changed meanwhile: nothing of it was written, run again")
    try:
        mode = stat.S_IMODE(place.lstat().st_mode)
        handle, staging = tempfile.mkstemp(dir=_staging(folder, place.parent), prefix="planner.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(after)
                stream.flush()
                os.fsync(handle)
            Path(staging).chmod(mode)
            Path(staging).replace(place)
        except BaseException:
            Path(staging).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _staging(folder: Path, beside: Path) -> Path:
    """Where a new file is written before it takes a name: git's own folder, so that a run that is killed leaves nothing
    in the tree. On another file system nothing can be renamed from there, and it is written beside.
    """
    own = Path(os.fsdecode(ask(folder, "rev-parse", "--absolute-git-dir").rstrip(b"\n")))
    return own if own.stat().st_dev == beside.stat().st_dev else beside
