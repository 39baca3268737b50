"""A worktree's private folder in its repository, and what tells without git that its index or its HEAD was written."""

from __future__ import annotations

import os

LONGEST = 5
"""As many symbolic refs as git follows."""
Written = tuple[int, int, int]


def of(folder: str) -> str | None:
    """Where the repository of a folder keeps this worktree's files, as far as can be seen without git."""
    if embedded(folder):
        return None
    at = os.path.realpath(folder)
    while not os.path.lexists(f"{at}/.git"):
        above = os.path.dirname(at)  # noqa: PTH120 -- pathlib takes longer to load than the rest of the start
        if above == at:
            return None
        at = above
    place = f"{at}/.git"
    if os.path.isdir(place):  # noqa: PTH112
        return os.path.realpath(place)
    try:
        with open(place, encoding="utf-8", errors="surrogateescape") as stream:
            text = stream.read(4096)
    except OSError:
        return None
    if not text.startswith("gitdir: "):
        return None
    return os.path.realpath(os.path.join(at, text[8:].rstrip("\n")))  # noqa: PTH118


def embedded(folder: str) -> str:
    """The folder at or above this one that git takes for a repository, though it is files of another one; else "".

    Its configuration came with the files, and may name programs that git runs (`filter.NAME.clean`, `core.sshCommand`).
    """
    at, found = os.path.realpath(folder), ""
    while not os.path.lexists(f"{at}/.git"):
        if not found and os.path.lexists(f"{at}/HEAD"):
            found = at if all(map(os.path.lexists, (f"{at}/objects", f"{at}/refs"))) else ""
            found = at if os.path.lexists(f"{at}/commondir") else found
        above = os.path.dirname(at)  # noqa: PTH120 -- see above
        if above == at:
            return ""  # A repository without a worktree, which somebody made here.
        at = above
    return found


def checksum(path: str) -> str:
    """The checksum that ends git's index (of either length, so the longer is taken); "" where it has none."""
    try:
        with open(path, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - 32))
            found = stream.read(32)
    except OSError:
        return ""
    return f"{size} {found.hex()}" if any(found[-20:]) else ""


def head(private: str) -> list[Written | None]:
    """When every file was written that may decide which commit HEAD is."""
    common = os.path.join(private, (_text(f"{private}/commondir") or ".").rstrip("\n"))  # noqa: PTH118
    decides = [f"{private}/HEAD", f"{common}/packed-refs", f"{common}/reftable/tables.list"]
    decides.append(f"{private}/reftable/tables.list")
    name = "HEAD"
    for _ in range(LONGEST):
        text = _text(f"{private}/{name}") or _text(f"{common}/{name}")
        if not text.startswith("ref: "):
            break
        name = text[5:].strip()
        decides += [f"{private}/{name}", f"{common}/{name}"]
    return [_written(path) for path in decides]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(4096)
    except OSError:
        return ""


def _written(path: str) -> Written | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
