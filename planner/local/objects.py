"""Reads git objects one at a time through a single `git cat-file --batch`; trees are parsed and remembered."""

from __future__ import annotations

import functools
import itertools
import operator
import os
import re
from _thread import allocate_lock
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from planner.errors import GitError, GitSilent, InputError
from planner.local.spawn import Conversation
from planner.model.entry import MODE_EXECUTABLE, MODE_FILE, Entry

if TYPE_CHECKING:
    from pathlib import Path

MAX_ENTRIES = 300_000
"""Entries of folders that are remembered at once; a walk over a long history meets more."""
LARGEST_TREE = 1 << 28
LONG = 1 << 16
"""Bytes of a file beyond which it is not read ahead."""
MOST_AHEAD = 64 << 20
"""Bytes of all files that are read ahead."""
AT_ONCE = 500
"""Questions that are put before the first answer is read: they must fit into a pipe."""


class Listing(NamedTuple):
    """What a folder holds, in the order of the bytes of its names, and by name."""

    entries: tuple[Entry, ...]
    named: dict[str, Entry]


NOTHING = Listing((), {})


_started: dict[str, Conversation] = {}


def ahead(folder: str) -> None:
    """Start git now, for whoever reads objects of this folder later in this process."""
    try:
        _started[os.path.realpath(folder)] = _start(folder)
    except OSError:  # Whoever needs git is told then.
        return


def _start(folder: str) -> Conversation:
    return Conversation(folder, ("cat-file", "--batch"))


class Objects:
    """The objects of one repository. Started when first asked; closed with `close` or at the end of the process."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = folder
        self._git: Conversation | None = None
        self._lock = allocate_lock()
        self._listings: dict[str, Listing] = {}
        self._commits: dict[str, str] = {}
        self._ahead: dict[str, bytes] = {}
        self._held = 0
        self.submodules: dict[str, tuple[str, ...]] = {}
        """The paths that a `.gitmodules` names, by the id of its bytes."""

    def read(self, oid: str, kind: str, limit: int) -> bytes:
        """The bytes of an object.

        Raises GitError where it is missing or the server that has it falls silent, InputError where it is too long.
        """
        if (known := self._ahead.get(oid)) is not None and kind == "blob":
            if len(known) > limit:
                raise _too_long(oid, limit)
            return known
        with self._lock:
            return self._heard(self._asked([oid]), oid, kind, limit)

    def _heard(self, git: Conversation, oid: str, kind: str, limit: int) -> bytes:
        line = git.hear.readline()
        if not line.endswith(b"\n"):
            raise _ended()
        header = line.split()
        if len(header) != 3:
            raise _lacking(oid)
        size = int(header[2])
        if header[1] != kind.encode():
            self._drain(git, size + 1)
            raise _lacking(oid)
        if size > limit:
            self._drain(git, size + 1)
            raise _too_long(oid, limit)
        data = git.hear.read(size + 1)
        if len(data) != size + 1:  # What is cut short must not pass for a whole file.
            raise _ended()
        return data[:-1]

    def tree_at(self, commit: str) -> str:
        """The id of a commit's tree."""
        if commit not in self._commits:
            header = self.read(commit, "commit", 1 << 28).partition(b"\n")[0]
            self._commits[commit] = header.removeprefix(b"tree ").decode()
        return self._commits[commit]

    @staticmethod
    def _drain(git: Conversation, size: int) -> None:
        while size > 0 and (chunk := git.hear.read(min(size, 1 << 20))):
            size -= len(chunk)

    def _asked(self, oids: Sequence[str]) -> Conversation:
        """A git that has these questions. One that died in the moment before is started again."""
        for _ in range(2):
            git = self._running()
            try:
                git.ask.write("".join(f"{oid}\n" for oid in oids).encode())
                git.ask.flush()
            except BrokenPipeError:  # It would pass for an output of ours that nobody reads.
                self._git = None
                git.close()
            else:
                return git
        raise _ended()

    def _running(self) -> Conversation:
        if self._git is None or self._git.has_ended():
            self._git = _started.pop(os.path.realpath(self.folder), None) or _start(f"{self.folder}")
        return self._git

    def listing(self, oid: str) -> Listing:
        """What a tree object holds, modes in git's canonical form."""
        if oid not in self._listings:
            self._listed(oid, self.read(oid, "tree", LARGEST_TREE))
        return self._listings[oid]

    def list_ahead(self, oids: Iterable[str]) -> None:
        """Ask for these trees at once, for a `listing` that comes later: asked for alone, each waits for git."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._listings]
        for oid, data in self._read_all(wanted, "tree", LARGEST_TREE):
            self._listed(oid, data)

    def read_ahead(self, oids: Iterable[str]) -> None:
        """The same for files that are not long, for a `read` that comes later; `MOST_AHEAD` are kept."""
        held = sum(map(len, self._ahead.values()))
        for oid, data in self._read_all([oid for oid in dict.fromkeys(oids) if oid not in self._ahead], "blob", LONG):
            held += len(data)
            if held <= MOST_AHEAD:
                self._ahead[oid] = data

    def _read_all(self, oids: Sequence[str], kind: str, limit: int) -> Iterator[tuple[str, bytes]]:
        """Those that can be read so; whoever asks for another one alone is told what is wrong. Read it to its end."""
        for start in range(0, len(oids), AT_ONCE):
            asked = oids[start : start + AT_ONCE]
            with self._lock:
                git = self._asked(asked)
                for oid in asked:
                    try:
                        data = self._heard(git, oid, kind, limit)
                    except GitSilent:
                        raise
                    except (GitError, InputError):
                        continue
                    yield oid, data

    def _listed(self, oid: str, data: bytes) -> None:
        if self._held > MAX_ENTRIES:
            self._listings.clear()
            self._held = 0
        entries = _parse(data, len(oid) // 2)
        self._held += len(entries)
        self._listings[oid] = Listing(entries, {entry.name: entry for entry in entries})

    def close(self) -> None:
        """End the process."""
        if self._git is not None:
            self._git.close()


def _lacking(oid: str) -> GitError:
    return GitError(f"the repository lacks the object {oid}: fetch it (a shallow or partial clone leaves it out)")


def _ended() -> GitError:
    why = "was it killed? Try again, or run git fsck; where the clone lacks objects, git fetch tells what is wrong"
    return GitError(f"git ended before it had answered\n  {why}")


def _too_long(oid: str, limit: int) -> InputError:
    return InputError(f"object {oid}: is longer than {limit} bytes")


def _parse(data: bytes, length: int) -> tuple[Entry, ...]:
    """The entries of a tree object whose ids have so many bytes, in the order of the bytes of their names."""
    found = _entry(length).findall(data)
    if sum(map(len, itertools.chain.from_iterable(found))) + 2 * len(found) != len(data):
        raise GitError("a tree of the repository cannot be read: run git fsck")
    found.sort(key=operator.itemgetter(1))
    return tuple(Entry(name.decode("utf-8", "surrogateescape"), _mode(mode), oid.hex()) for mode, name, oid in found)


@functools.cache
def _entry(length: int) -> re.Pattern[bytes]:
    return re.compile(rb"([0-7]{1,6}) ([^\0]+)\0(.{%d})" % length, re.DOTALL)


@functools.cache
def _mode(text: bytes) -> int:
    """A mode in git's canonical form."""
    mode = int(text, 8)
    if mode & 0o170000 == 0o100000:
        return MODE_EXECUTABLE if mode & 0o100 else MODE_FILE
    return mode
