"""Shows a run while it goes on: one line for each running image on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from planner.build.buildx import log_of
from planner.cli.outcome import failure_text, retry_text, short_digest
from planner.explain.text import printable
from planner.model.build import BuildResult, Stored
from planner.model.image import ImageName
from planner.ports import StepNews, StepState
from planner.schedule.outcome import Failure
from planner.schedule.workers import Retry

REDRAW = 0.12
"""Seconds between two drawings of the display, at least."""
DUMB = ("dumb", "unknown")
"""Terminals that move no cursor: rich would show nothing there until something ends."""


@dataclass
class _Line:
    began: float
    step: str = "starting"
    done: int = 0
    total: int = 0


class PlainProgress:
    """Plain lines, for logs and pipes: each step when it begins, each image when it ends."""

    several = False
    """Whether it is worth saying where an image is built."""

    def __init__(self, dockerfiles: dict[ImageName, str], logs: Path, total: int, stream: TextIO | None = None) -> None:
        self.dockerfiles = dockerfiles
        self.logs = logs
        self.total = total
        self.ended = 0
        self.stream = stream or sys.stderr

    def _say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def begun(self, name: ImageName, worker: str) -> None:
        """See Listener."""
        self._say(f"{name}: started{f' on {printable(worker)}' if self.several else ''}")

    def retried(self, name: ImageName, failure: Failure, retry: Retry) -> None:
        """See Listener."""
        self._say(retry_text(name, failure, retry))

    def news(self, news: StepNews) -> None:
        """See Listener."""
        if news.state is StepState.STARTED:
            self._say(f"{news.image}: {_short(news.step)}")
        elif news.state is StepState.CACHED:
            self._say(f"{news.image}: {_short(news.step)} (cached)")
        self._warn(news)

    def _warn(self, news: StepNews) -> None:
        if news.state is StepState.WARNING:
            self._say(f"planner: warning: {news.image}: {printable(news.step)}: {printable(news.text)}")

    def built(self, name: ImageName, result: BuildResult) -> None:
        """See Listener."""
        self.ended += 1
        digest = short_digest(result.image.digest)
        self._say(f"{name}: built in {result.seconds:.1f} s, {digest} ({self.ended} of {self.total})")

    def shared(self, name: ImageName, image: Stored) -> None:
        """See Listener."""
        self.ended += 1
        digest = short_digest(image.digest)
        self._say(f"{name}: built by another run meanwhile: {digest} ({self.ended} of {self.total})")

    def cut_off(self, name: ImageName, image: Stored) -> None:
        """See Listener."""
        self.ended += 1
        digest = short_digest(image.digest)
        self._say(f"{name}: cut off, its parents came out the same: {digest} ({self.ended} of {self.total})")

    def failed(self, name: ImageName, failure: Failure, blocked: tuple[ImageName, ...]) -> None:
        """See Listener."""
        self.ended += 1
        log = log_of(self.logs, name)
        self._say(failure_text(name, failure, self.dockerfiles.get(name, ""), blocked, log))

    def tick(self) -> None:
        """See Listener."""

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class LiveProgress(PlainProgress):
    """A live display on a terminal, above it a line for each image that ended."""

    def __init__(self, dockerfiles: dict[ImageName, str], logs: Path, total: int) -> None:
        super().__init__(dockerfiles, logs, total)
        from rich.console import Console
        from rich.live import Live

        self.console = Console(stderr=True, highlight=False, emoji=False)  # `main.c:100:` is no emoji
        self.lines: dict[ImageName, _Line] = {}
        self.began = time.monotonic()
        self.failures = 0
        self.shown = 0.0
        # Drawn from the caller's thread only: what is shown changes while a thread of its own would draw it.
        self.live = Live(console=self.console, auto_refresh=False, transient=True)

    def _say(self, text: str) -> None:
        self._draw()
        self.console.print(text, markup=False, soft_wrap=True)

    def _draw(self) -> None:
        self.shown = time.monotonic()
        self.live.update(self._table(), refresh=True)

    def tick(self) -> None:
        """See Listener."""
        if time.monotonic() - self.shown >= REDRAW:
            self._draw()

    def _table(self) -> Any:
        from rich.table import Table

        now = time.monotonic()
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True, style="bold")
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        table.add_column(no_wrap=True, justify="right")
        for name, line in self.lines.items():
            count = f"{line.done}/{line.total}" if line.total else ""
            table.add_row(name, count, _plain(line.step), f"{now - line.began:.0f} s")
        failed = f", {self.failures} failed" if self.failures else ""
        note = f"{self.ended} of {self.total} ended{failed}, {len(self.lines)} running"
        table.add_row("", "", _plain(note), f"{now - self.began:.0f} s")
        return table

    def begun(self, name: ImageName, worker: str) -> None:
        """See Listener."""
        self.lines[name] = _Line(began=time.monotonic())

    def retried(self, name: ImageName, failure: Failure, retry: Retry) -> None:
        """See Listener."""
        self.lines.pop(name, None)
        super().retried(name, failure, retry)

    def news(self, news: StepNews) -> None:
        """See Listener."""
        self._warn(news)
        line = self.lines.get(news.image)
        if line is None:
            return
        line.done, line.total = news.done, news.total
        if news.state is StepState.STARTED:
            line.step = _short(news.step)
        self.tick()

    def built(self, name: ImageName, result: BuildResult) -> None:
        """See Listener."""
        self.lines.pop(name, None)
        super().built(name, result)

    def shared(self, name: ImageName, image: Stored) -> None:
        """See Listener."""
        self.lines.pop(name, None)
        super().shared(name, image)

    def cut_off(self, name: ImageName, image: Stored) -> None:
        """See Listener."""
        self.lines.pop(name, None)
        super().cut_off(name, image)

    def failed(self, name: ImageName, failure: Failure, blocked: tuple[ImageName, ...]) -> None:
        """See Listener."""
        self.lines.pop(name, None)
        self.failures += 1
        super().failed(name, failure, blocked)

    def __enter__(self) -> LiveProgress:
        self.live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.__exit__(None, None, None)


def progress(dockerfiles: dict[ImageName, str], logs: Path, total: int) -> PlainProgress:
    """The display that fits where standard error goes."""
    live = sys.stderr.isatty() and os.environ.get("TERM") not in DUMB
    return LiveProgress(dockerfiles, logs, total) if live else PlainProgress(dockerfiles, logs, total)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _short(step: str, limit: int = 100) -> str:
    line = printable(step.partition("\n")[0])
    return line if len(line) <= limit else line[: limit - 1] + "…"
