"""Writes an answer to standard output or to a file that is never half written, and reads what stands there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from planner.errors import OutputError
from planner.system import given_files

STALE = 3
MAX_FILE = 8 << 20
"""Bytes of a file that may be compared with what would be written."""


def write(text: str, file: str) -> None:
    """Print the text, or with a `file` other than - put it there in one step; a file that was there keeps its mode.

    What is there and is no regular file (a device, a pipe, a link) is written to, never replaced.
    """
    if file in ("", "-"):
        print(text)
        return
    import tempfile  # most answers are printed

    path = Path(file)
    staging = ""
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
            return
        handle, staging = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text + "\n")
            os.fchmod(stream.fileno(), _mode(path))
        Path(staging).replace(path)
    except OSError as error:
        if staging:
            with contextlib.suppress(OSError):
                Path(staging).unlink()
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def check(text: str, file: str) -> int:
    """Say whether a file holds the text; gives the exit status, 3 for what is stale. Raises OutputError."""
    is_stale = standing(file) != text
    print(f"{file}: {'is stale' if is_stale else 'is as it is written now'}")
    return STALE if is_stale else 0


def standing(file: str) -> str:
    """What stands in a file, as `write` was given it; "" where there is none. Raises OutputError."""
    try:
        return given_files.read(file, MAX_FILE).decode(errors="replace").rstrip("\n")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise OutputError(f"{file}: cannot be read: {error.strerror}") from error


def _mode(path: Path) -> int:
    """That of a file which is replaced, else what the umask leaves of 0666."""
    with contextlib.suppress(OSError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
