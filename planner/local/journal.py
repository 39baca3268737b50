"""The journal of a state folder: one JSON line for each thing that happens in a run, written as it happens.

Records alone say what is built; the journal says what a run wanted, what it had begun and where, so that one that was
killed can be told of and taken up. Every line stands for itself: one that is cut short costs nothing but itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from planner.errors import StateError
from planner.model.build import LAST_SECOND

NAME = "journal.jsonl"
LONGEST = 4 << 20
"""Bytes above which a new run drops the older part."""
KEPT = 1 << 20
MAX_TEXT = 500
MAX_LINE = 64 << 20
_RUN = b'"event": "run"'


@dataclass
class PastRun:
    """A run as the journal tells it. `images` are those it wanted to build, `finished` those that came to be.

    `begun` says where each image that was started was built last, `ended` whether the run came to its own end.
    """

    at: float
    everything: bool
    images: tuple[str, ...]
    finished: set[str] = field(default_factory=set)
    begun: dict[str, str] = field(default_factory=dict)
    ended: bool = False

    @property
    def unfinished(self) -> tuple[str, ...]:
        """What the run wanted and did not get, in its order."""
        return tuple(name for name in self.images if name not in self.finished)

    @property
    def broken_off(self) -> tuple[str, ...]:
        """What was being built when the run was killed."""
        return () if self.ended else tuple(name for name in self.unfinished if name in self.begun)


class Journal:
    """Appends to one file. Only the run that holds the state folder writes; a full disk does not stop it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _shorten(path)
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StateError(f"{path}: the journal cannot be written: {error.strerror}") from error
        size = os.fstat(self._handle).st_size
        self._is_cut = bool(size) and os.pread(self._handle, 1, size - 1) != b"\n"

    def write(self, event: str, **fields: Any) -> None:
        """One line: what happened, when, and more about it. Texts are cut to a bounded length."""
        told = {name: value[:MAX_TEXT] if isinstance(value, str) else value for name, value in fields.items()}
        line = json.dumps({"version": 1, "event": event, "at": round(time.time(), 3), **told})
        self._append(line.encode() + b"\n")

    def _append(self, data: bytes) -> None:
        # Records are what counts; a run is not given up because its journal has no room. What has room in part is cut.
        data = b"\n" + data if self._is_cut else data
        with contextlib.suppress(OSError):
            self._is_cut = os.write(self._handle, data) < len(data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def _shorten(path: Path) -> None:
    """Drop the older part of a long journal, in whole lines. The last run stays whole, so that it can be taken up."""
    try:
        if path.stat().st_size <= LONGEST:
            return
        with open(path, "rb") as stream:
            start = _start_of_what_stays(stream)
            if not start:
                return
            stream.seek(start)
            part = path.with_suffix(".part")
            with open(part, "wb") as kept:
                shutil.copyfileobj(stream, kept)
        part.replace(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"{path}: the journal cannot be shortened: {error.strerror}") from error


def _start_of_what_stays(stream: BinaryIO) -> int:
    stream.seek(-KEPT, os.SEEK_END)
    stream.readline()
    start = stream.tell()
    stream.seek(0)
    place, last = 0, start
    for line in iter(lambda: stream.readline(MAX_LINE), b""):
        if _RUN in line[:64]:
            last = place
        place += len(line)
    return min(start, last)


def runs(lines: Iterable[str]) -> list[PastRun]:
    """The runs that a journal tells of, oldest first. What cannot be read is passed over."""
    found: list[PastRun] = []
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError, OverflowError):
            _read(json.loads(line), found)
    return found


def _read(told: dict[str, Any], found: list[PastRun]) -> None:
    event = told["event"]
    if event == "run":
        images = tuple(str(name) for name in told["images"])
        found.append(PastRun(at=_moment(told["at"]), everything=bool(told["all"]), images=images))
    elif not found:
        return
    elif event == "started":
        found[-1].begun[str(told["image"])] = str(told["builder"])
    elif event in ("built", "reused"):
        found[-1].finished.add(str(told["image"]))
    elif event == "end":
        found[-1].ended = True


def _moment(told: Any) -> float:
    """Seconds since 1970, 0 for what no clock of ours ever told: a calendar knows no such time."""
    return float(told) if 0 <= told <= LAST_SECOND else 0.0


def past_runs(state: Path) -> list[PastRun]:
    """The runs of a state folder's journal; none where there is no journal that can be read."""
    try:
        with open(state / NAME, encoding="utf-8", errors="replace") as stream:
            return runs(iter(lambda: stream.readline(MAX_LINE), ""))
    except OSError:
        return []
