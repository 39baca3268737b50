"""Asks which images the newest known keys name while it is still being worked out which keys are wanted.

What it learns was true within this very run. A question that nobody has in the end was asked in vain, no more.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from planner.errors import RegistryError
from planner.registry.client import HttpRegistry
from planner.registry.snapshot import Snapshot

ASKERS = 16
"""Requests at once."""


class Ahead:
    """Questions about everything that a snapshot knows below a prefix; they begin at once, in threads of their own."""

    def __init__(self, registry: HttpRegistry, snapshot: Snapshot, prefix: str) -> None:
        self.registry = registry
        self.snapshot = snapshot
        self.prefix = prefix
        self._answers: dict[tuple[str, str], Future[str | None]] = {
            question: Future() for question in snapshot.newest_keys(prefix)
        }
        self._waiting = deque(self._answers.items())
        for _ in range(min(ASKERS, len(self._waiting))):
            # Nobody waits for them at the end: a registry that hangs keeps no command that needs it no more.
            threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        while True:
            try:
                (repository, key), answer = self._waiting.popleft()
            except IndexError:
                return
            try:
                answer.set_result(self.registry.digest_of(repository, key))
            except RegistryError as error:
                answer.set_exception(error)
            except BaseException as error:
                answer.set_exception(error)
                raise

    def named(self, repository: str, key: str) -> str | None:
        """The digest that a key names; None where it names none, or nobody asked. Raises RegistryError."""
        asked = self._answers.get((repository, key))
        return asked.result() if asked is not None else None

    def stop(self) -> None:
        """Ask no more."""
        self._waiting.clear()
