"""Shows on a terminal how much of a long listing is done, as a line with a bar; says nothing in logs and pipes."""

from __future__ import annotations

import sys
import threading
import time

REDRAW = 0.1
"""Seconds between two drawings, at least."""
WIDTH = 30


class Counting:
    """Counts what is done of a total that may grow. May be told from several threads."""

    def __init__(self, what: str, total: int = 0) -> None:
        self.what = what
        self.total = total
        self.count = 0
        self._lock = threading.Lock()
        self._drawn = 0.0
        self._shown = sys.stderr.isatty()

    def more(self, count: int) -> None:
        """There is so much more to do than was known."""
        with self._lock:
            self.total += count

    def done(self) -> None:
        """One more is done."""
        with self._lock:
            self.count += 1
            now = time.monotonic()
            if self._shown and (now - self._drawn >= REDRAW or self.count == self.total):
                self._drawn = now
                print(f"\r{self.line()}\x1b[K", end="", file=sys.stderr, flush=True)

    def line(self) -> str:
        """What is shown: at most 80 columns for the words and counts in use."""
        filled = WIDTH * self.count // max(self.total, 1)
        return f"{self.what} [{'#' * filled}{'.' * (WIDTH - filled)}] {self.count} of {self.total}"

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
