"""Asks which images the newest known keys name while it is still being worked out which keys are wanted.

What it learns was true within this very run. A question that nobody has in the end was asked in vain, no more.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from concurrent.futures import Future

from planner.registry.client import HttpRegistry
from planner.registry.snapshot import Snapshot
from planner.registry.together import ASKERS, TOGETHER


class Ahead:
    """Questions about everything that a snapshot knows below a prefix; they begin at once, in threads of their own."""

    def __init__(self, registry: HttpRegistry, snapshot: Snapshot, prefix: str) -> None:
        self.registry = registry
        self.snapshot = snapshot
        self.prefix = prefix
        self._host = prefix.partition("/")[0]
        self._answers: dict[tuple[str, str], Future[str | None]] = {
            question: Future() for question in snapshot.newest_keys(prefix)
        }
        self._waiting = deque(self._answers.items())
        registry.expect(self._host, (repository for repository, _ in self._answers))
        # Nobody waits for the threads at the end: a registry that hangs keeps no command that needs it no more.
        threading.Thread(target=self._begin, daemon=True).start()

    def _begin(self) -> None:
        self._ask_some(1)  # Its answer tells how the registry wants to be asked.
        for _ in range(min(ASKERS, len(self._waiting)) - 1):
            with contextlib.suppress(RuntimeError):  # No more threads are to be had: those that run do it all.
                threading.Thread(target=self._ask, daemon=True).start()
        self._ask()

    def _ask(self) -> None:
        while self._ask_some(TOGETHER if self.registry.transport.asks_together(self._host) else 1):
            pass

    def _ask_some(self, most: int) -> bool:
        some: deque[tuple[tuple[str, str], Future[str | None]]] = deque()
        with contextlib.suppress(IndexError):
            while len(some) < most:
                some.append(self._waiting.popleft())
        if not some:
            return False
        try:
            for digest in self.registry.digests_of(self._host, [question for question, _ in some]):
                some.popleft()[1].set_result(digest)
        except Exception as error:  # A mistake of ours too is told to whoever waits, who would wait for ever.
            some.popleft()[1].set_exception(error)
        finally:
            for _, answer in some:
                answer.set_result(None)  # As if nobody had asked.
        return True

    def named(self, repository: str, key: str) -> str | None:
        """The digest that a key names; None where it names none, or nobody asked. Raises RegistryError."""
        asked = self._answers.get((repository, key))
        return asked.result() if asked is not None else None

    def stop(self) -> None:
        """Ask no more."""
        self._waiting.clear()
