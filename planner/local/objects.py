"""Reads git objects one at a time through a single `git cat-file --batch`; trees are parsed and remembered."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

from planner.errors import GitError, InputError
from planner.local.ids import by_name
from planner.local.spawn import Conversation
from planner.model.entry import MODE_EXECUTABLE, MODE_FILE, Entry

MAX_ENTRIES = 300_000
"""Entries of folders that are remembered at once; a walk over a long history meets more."""


class Listing(NamedTuple):
    """What a folder holds, in the order of the bytes of its names, and by name."""

    entries: tuple[Entry, ...]
    named: dict[str, Entry]


NOTHING = Listing((), {})


class Objects:
    """The objects of one repository. Started when first asked; closed with `close` or at the end of the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git: Conversation | None = None
        self._lock = threading.Lock()
        self._listings: dict[str, Listing] = {}
        self._held = 0
        self.submodules: dict[str, tuple[str, ...]] = {}
        """The paths that a `.gitmodules` names, by the id of its bytes."""

    def read(self, oid: str, kind: str, limit: int) -> bytes:
        """The bytes of an object. Raises GitError where it is missing, InputError where it is too long."""
        with self._lock:
            git = self._running()
            git.ask.write(oid.encode() + b"\n")
            git.ask.flush()
            header = git.hear.readline().split()
            if len(header) != 3 or header[1] != kind.encode():
                raise GitError(
                    f"the repository lacks the object {oid}: fetch it (a shallow or partial clone leaves it out)"
                )
            size = int(header[2])
            if size > limit:
                self._drain(git, size + 1)
                raise InputError(f"object {oid}: is longer than {limit} bytes")
            return git.hear.read(size + 1)[:-1]

    def tree_at(self, commit: str) -> str:
        """The id of a commit's tree."""
        header = self.read(commit, "commit", 1 << 28).partition(b"\n")[0]
        return header.removeprefix(b"tree ").decode()

    @staticmethod
    def _drain(git: Conversation, size: int) -> None:
        while size > 0 and (chunk := git.hear.read(min(size, 1 << 20))):
            size -= len(chunk)

    def _running(self) -> Conversation:
        if self._git is None or self._git.has_ended():
            self._git = Conversation(f"{self.folder}", ("cat-file", "--batch"))
        return self._git

    def listing(self, oid: str) -> Listing:
        """What a tree object holds, modes in git's canonical form."""
        if oid not in self._listings:
            if self._held > MAX_ENTRIES:
                self._listings.clear()
                self._held = 0
            entries = by_name(_parse(self.read(oid, "tree", 1 << 28), len(oid) // 2))
            self._held += len(entries)
            self._listings[oid] = Listing(entries, {entry.name: entry for entry in entries})
        return self._listings[oid]

    def close(self) -> None:
        """End the process."""
        if self._git is not None:
            self._git.close()


def _parse(data: bytes, length: int) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        mode = int(data[at:space], 8)
        if mode & 0o170000 == 0o100000:
            mode = MODE_EXECUTABLE if mode & 0o100 else MODE_FILE
        name = data[space + 1 : end].decode("utf-8", "surrogateescape")
        entries.append(Entry(name, mode, data[end + 1 : end + 1 + length].hex()))
        at = end + 1 + length
    return tuple(entries)
