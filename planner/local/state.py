"""The state folder beside a graph file: its parts, the lock that one run holds, and what a killed run left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from planner.errors import StateError
from planner.model.frozen import dataclass

NAME = ".planner"
OURS = ("lock", "journal.jsonl", "records.sqlite")
"""Files of which every run leaves one at least."""
POLL = 0.2
"""Seconds between two looks at a lock that another run holds."""


@dataclass(frozen=True)
class State:
    """A state folder and its parts."""

    root: Path

    @property
    def records(self) -> Path:
        """The file of records."""
        return self.root / "records.sqlite"

    @property
    def layout(self) -> Path:
        """The store of built images, an OCI layout."""
        return self.root / "store"

    @property
    def logs(self) -> Path:
        """The folder of logs, one file for each image: that of its last build."""
        return self.root / "logs"

    @property
    def builders(self) -> Path:
        """The folder of what buildx wrote down of builders, for the next run; it may be deleted at any time."""
        return self.root / "builders"

    @property
    def run(self) -> Path:
        """What a run may throw away."""
        return self.root / "run"

    def prepare(self) -> None:
        """Make the folder, kept out of git. Raises StateError, also where a part of it is a link, which leads anywhere:

        files that came without git may hold some.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with os.scandir(self.root) as parts:
                link = next((part.path for part in parts if part.is_symlink()), "")
            if link:
                hint = "remove it; --state DIR names a folder on another disk"
                raise StateError(f"{link}: is a link, and a planner made none here\n  {hint}")
            ignore = self.root / ".gitignore"
            if not ignore.exists() or not ignore.stat().st_size:  # A full disk leaves an empty one.
                ignore.write_text("*\n")
        except OSError as error:
            hint = "give --state DIR, a folder that can be written"
            raise StateError(f"{self.root}: the state folder cannot be made: {error.strerror}\n  {hint}") from error

    @contextlib.contextmanager
    def locked(self, *, wait: bool, tell: Callable[[str], None]) -> Iterator[None]:
        """Hold the folder for one run; the kernel lets go of it when the process ends, however it ends.

        While another run holds it, `tell` is told once by whom, and this one waits, or with `wait` off raises
        StateError. Whoever gets the lock removes what a killed run left in `run`.
        """
        self.prepare()
        if self.run.exists() and not any((self.root / name).exists() for name in OURS):
            hint = "a state folder empties its folder run: name another one with --state DIR"
            raise StateError(f"{self.run}: was made by nobody who held this folder\n  {hint}")
        try:
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StateError(f"{self.root}: cannot be locked: {error.strerror}") from error
        try:
            told = False
            while not self._lock(handle):
                holder = f"{self.root} is in use by {_holder(handle)}"
                if not wait:
                    raise StateError(f"{holder}\n  wait for it, or leave out --no-wait to do so")
                if not told:
                    tell(f"{holder}: waiting for it to end")
                    told = True
                time.sleep(POLL)
            _sign(handle)
            shutil.rmtree(self.run, ignore_errors=True)
            try:
                self.run.mkdir(exist_ok=True)
            except OSError as error:
                raise StateError(f"{self.run}: cannot be made: {error.strerror}") from error
            yield
            shutil.rmtree(self.run, ignore_errors=True)
        finally:
            os.close(handle)

    def _lock(self, handle: int) -> bool:
        """Whether the lock could be had. Raises StateError where there are no locks."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            hint = "a file system of a network may have no locks: give --state DIR, a folder on a disk of this machine"
            raise StateError(f"{self.root}: cannot be locked: {error.strerror}\n  {hint}") from error
        return True


def _sign(handle: int) -> None:
    """Say who holds the lock. A full disk is no reason to fail here: the lock itself needs no room."""
    note = json.dumps({"pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")})
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, note.encode(), 0)


def _holder(handle: int) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError, OSError, RecursionError):
        note = json.loads(os.pread(handle, 4096, 0))
        pid, since = int(note["pid"]), str(note["since"])
        if since.isprintable():
            return f"process {pid} since {since}"
    return "another planner"
