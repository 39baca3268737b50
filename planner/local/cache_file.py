"""Keeps lists of texts in small disposable files: what is damaged, foreign or from another planner reads as nothing.

A file is written whole under another name and renamed, so that two planners never see half of one. Failing to write
is silent: nothing here is needed for an answer.
"""

from __future__ import annotations

import os
import sys
import time

import xxhash

import planner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCHEMA = "2"
MAX_FILES = 64
ABANDONED = 3600.0
"""Seconds after which a file that was never renamed was left behind by a planner that is gone."""

Groups = list[list[str]]

_PROGRAM: list[str] = []


def digest(texts: Iterable[str]) -> str:
    """A name for a list of texts."""
    return xxhash.xxh3_128_hexdigest(_framed(texts))


def program() -> list[str]:
    """What computes the answers, in short: this planner down to its source files, this Python, and which packages are
    installed for it. Looked at once.
    """
    if not _PROGRAM:
        _PROGRAM.append(digest(_looked_at()))
    return list(_PROGRAM)


def _looked_at() -> list[str]:
    facts = [SCHEMA, planner.__version__, sys.version, *_packages()]
    waiting = list(planner.__path__)
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            for item in listing:
                if item.name.endswith(".py"):
                    status = item.stat()
                    facts.append(f"{item.path} {status.st_size} {status.st_mtime_ns}")
                elif item.name != "__pycache__" and item.is_dir():
                    waiting.append(item.path)
    return sorted(facts)


def _packages() -> list[str]:
    """The folders of installed packages, each with the time when one was put there or taken away: YAML and Starlark are
    read by others' programs.
    """
    folders = (folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages")))
    return [f"{folder} {os.stat(folder).st_mtime_ns}" for folder in folders if os.path.isdir(folder)]  # noqa: PTH112, PTH116


def read(path: str) -> Groups | None:
    """The groups of texts of a file, None where there is none or where it cannot be trusted."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        return None
    start = data.find(b"\n") + 1
    body = memoryview(data)[start:]  # Not copied: facts of many images are long.
    if not start or xxhash.xxh3_128_hexdigest(body).encode() != data[: start - 1]:
        return None
    texts = iter(_unframed(data, start))
    return [[next(texts) for _ in range(int(count))] for count in texts]


def write(path: str, groups: Sequence[Sequence[str]]) -> None:
    """Write a file as a whole, or leave it."""
    try:
        body = b"".join(_framed([str(len(group)), *group]) for group in groups)
    except UnicodeEncodeError:
        return
    folder = os.path.dirname(path)  # noqa: PTH120 -- pathlib takes longer to load than the rest of the start
    draft = f"{path}.{os.getpid()}.draft"
    try:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        _tidy(folder)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(xxhash.xxh3_128_hexdigest(body).encode() + b"\n" + body)
        os.replace(draft, path)  # noqa: PTH105
    except OSError:
        _remove(draft)


def _tidy(folder: str) -> None:
    """Keep the folder small: drop what was left behind, and the oldest files beyond MAX_FILES."""
    with os.scandir(folder) as listing:
        files = sorted((item.stat(follow_symlinks=False).st_mtime, item.path) for item in listing)
    old = files[: max(0, len(files) - MAX_FILES)]
    left = [item for item in files if item[1].endswith(".draft") and item[0] < time.time() - ABANDONED]
    for _, path in {*old, *left}:
        _remove(path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108
    except OSError:
        return


def _framed(texts: Iterable[str]) -> bytes:
    framed: list[bytes] = []
    for text in texts:
        data = text.encode("utf-8", "surrogateescape")
        framed.append(b"%d:%b" % (len(data), data))
    return b"".join(framed)


def _unframed(data: bytes, at: int) -> list[str]:
    texts: list[str] = []
    view = memoryview(data)
    while at < len(data):
        colon = data.index(b":", at)
        end = colon + 1 + int(data[at:colon])
        texts.append(str(view[colon + 1 : end], "utf-8", "surrogateescape"))
        at = end
    return texts
