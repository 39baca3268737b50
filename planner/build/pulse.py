"""Notices that an engine is gone although its connections stand: a stopped process, a network that swallows packets.

A build may say nothing for hours, so silence alone ends none. An engine that is silent is asked by another connection,
and is given up only when it leaves several questions in succession without an answer.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

QUIET = 60.0
"""Seconds without news of an engine after which it is asked."""
PAUSE = 30.0
"""Seconds from one question that is left without an answer to the next, at least."""
QUESTIONS = 5
"""Questions in succession without an answer after which an engine is gone. Each waits for some 20 seconds."""
BACK = 60.0
"""Seconds for which an engine that was given up is asked before another build begins there."""
BETWEEN = 1.0
"""Seconds from one such question to the next, at least."""
Tell = Callable[[str], None]


class Pulse:
    """Watches one engine while builds run on it. May be used from several threads."""

    def __init__(self, answers: Callable[[], bool], gone: Callable[[], None]) -> None:
        """`answers` asks the engine, `gone` is called when it is given up; both from a thread of their own."""
        self._answers = answers
        self._gone = gone
        self._heard = 0.0
        self._lost = False
        self._tells: list[Tell] = []
        self._running = 0
        self._watching = False
        self._changed = threading.Condition()

    def beat(self) -> None:
        """Something was heard of the engine."""
        self._heard = time.monotonic()
        self._lost = False

    def is_back(self, tell: Tell, ending: Callable[[], bool]) -> bool:
        """Whether the engine is there, as far as is known; one that was given up is asked for a while.

        A build there would find out too, but in minutes. `tell` is told that it is asked, `ending` says when nobody
        waits for the answer any more.
        """
        if not self._lost:
            return True
        tell(f"did not answer before: asking it for {BACK:.0f} s at most")
        enough = time.monotonic() + BACK
        while self._lost:
            asked_at = time.monotonic()
            if self._answers():
                self.beat()
            elif ending() or time.monotonic() >= enough:
                return False
            else:
                time.sleep(max(asked_at + BETWEEN - time.monotonic(), 0.0))
        return True

    @contextlib.contextmanager
    def watched(self, tell: Tell) -> Iterator[None]:
        """Watch as long as the block runs. One of those who watch is told when an engine leaves a question open."""
        with self._changed:
            self._tells.append(tell)
            if not self._running:
                self.beat()
            self._running += 1
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._tells.remove(tell)
                self._changed.notify_all()

    def _watch(self) -> None:
        asked_at, unanswered = 0.0, 0
        while self._waited(asked_at):
            if self._heard > asked_at:
                unanswered = 0
            asked_at = time.monotonic()
            if self._answers():
                self.beat()
            elif self._heard <= asked_at:
                unanswered += 1
                if unanswered == 1:
                    self._doubt()
            if unanswered >= QUESTIONS:
                self._heard = time.monotonic()
                self._lost = True
                self._gone()

    def _doubt(self) -> None:
        """Say once what is waited for."""
        with self._changed:
            tell = next(iter(self._tells), None)
        if tell is not None:
            silent, more = time.monotonic() - self._heard, (QUESTIONS - 1) * PAUSE
            tell(f"silent for {silent:.0f} s, and does not answer: builds there are given up in {more:.0f} s")

    def _waited(self, asked_at: float) -> bool:
        """Wait until it is time for a question; whether anything runs still."""
        with self._changed:
            while self._running:
                due = self._heard + QUIET if self._heard > asked_at else asked_at + PAUSE
                left = due - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)
            self._watching = False
            return False
