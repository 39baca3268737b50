"""Asks which images the newest known keys name while it is still being worked out which keys are wanted.

What it learns was true within this very run. A question that nobody has in the end was asked in vain, no more.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import pairwise

from planner.errors import RegistryError
from planner.registry.client import HttpRegistry
from planner.registry.snapshot import Snapshot

ASKERS = 4
TOGETHER = 32
"""Questions that are asked at once, over one connection."""


class Ahead:
    """Questions about everything that a snapshot knows below a prefix; they begin at once, in threads of their own."""

    def __init__(self, registry: HttpRegistry, snapshot: Snapshot, prefix: str) -> None:
        self.registry = registry
        self.snapshot = snapshot
        self.prefix = prefix
        questions = list(snapshot.newest_keys(prefix))
        # The first one goes alone: its answer tells how the registry wants to be asked.
        starts = [0, *range(1, len(questions), TOGETHER), len(questions)]
        self._waiting = deque(_Batch(questions[a:b]) for a, b in pairwise(starts) if a < b)
        self._batches = {question: batch for batch in self._waiting for question in batch.questions}
        # Nobody waits for them at the end: a registry that hangs keeps no command that needs it no more.
        threading.Thread(target=self._begin, daemon=True).start()

    def _begin(self) -> None:
        others = min(ASKERS, len(self._waiting) - 1)
        self._ask_next()
        for _ in range(others):
            threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        while self._ask_next():
            pass

    def _ask_next(self) -> bool:
        try:
            batch = self._waiting.popleft()
        except IndexError:
            return False
        host = self.prefix.partition("/")[0]
        try:
            for question, digest in zip(batch.questions, self.registry.digests_of(host, batch.questions), strict=True):
                batch.named[question] = digest
        except RegistryError as error:
            failed = batch.questions[len(batch.named)]
            batch.errors[failed] = error
        finally:
            batch.done.set()
        return True

    def named(self, repository: str, key: str) -> str | None:
        """The digest that a key names; None where it names none, or nobody asked. Raises RegistryError."""
        batch = self._batches.get((repository, key))
        if batch is None:
            return None
        batch.done.wait()
        if (repository, key) in batch.errors:
            raise batch.errors[repository, key]
        return batch.named.get((repository, key))

    def stop(self) -> None:
        """Ask no more."""
        self._waiting.clear()


class _Batch:
    """Questions that one thread asks in turn up to the first error; `done` is set at its end."""

    def __init__(self, questions: list[tuple[str, str]]) -> None:
        self.questions = questions
        self.named: dict[tuple[str, str], str | None] = {}
        self.errors: dict[tuple[str, str], RegistryError] = {}
        self.done = threading.Event()
