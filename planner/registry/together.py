"""Asks what many tags name, all at once: in batches over few connections, where the registry lets it."""

from __future__ import annotations

from collections.abc import Iterable

from planner.errors import RegistryAway, RegistryError
from planner.registry.client import HttpRegistry
from planner.system.threads import Threads

ASKERS = 16
"""Threads that ask."""
TOGETHER = 32
"""Questions that each of them asks at once, where the registry lets it."""
Question = tuple[str, str]
"""A repository (HOST/PATH), and a tag or digest in it."""


def named(registry: HttpRegistry, questions: Iterable[Question]) -> dict[Question, str | RegistryError | None]:
    """What each of these names now, None for nothing, an error where that cannot be told.

    A host that does not answer one of them is asked no more: each further question would wait as long.
    """
    by_host: dict[str, list[Question]] = {}
    for question in dict.fromkeys(questions):
        by_host.setdefault(question[0].partition("/")[0], []).append(question)
    for host, some in by_host.items():
        registry.expect(host, (repository for repository, _ in some))
    found: dict[str, _Answers] = {host: _Answers(registry, host) for host in by_host}
    with Threads(ASKERS) as threads:
        # The answer to the first one tells how a registry wants to be asked.
        list(threads.map(lambda host: found[host].ask(by_host[host][:1]), by_host))
        batches = [
            (host, some[at : at + size])
            for host, some in by_host.items()
            for size in [TOGETHER if registry.transport.asks_together(host) else 1]
            for at in range(1, len(some), size)
        ]
        list(threads.map(lambda batch: found[batch[0]].ask(batch[1]), batches))
    return {question: answer for answers in found.values() for question, answer in answers.found.items()}


def digests(registry: HttpRegistry, questions: Iterable[Question]) -> dict[Question, str | None]:
    """The same. Raises RegistryError where one cannot be told."""
    found: dict[Question, str | None] = {}
    for question, answer in named(registry, questions).items():
        if isinstance(answer, RegistryError):
            raise answer
        found[question] = answer
    return found


class _Answers:
    """The answers of one host. Asked from several threads."""

    def __init__(self, registry: HttpRegistry, host: str) -> None:
        self.registry = registry
        self.host = host
        self.found: dict[Question, str | RegistryError | None] = {}
        self._away: RegistryError | None = None

    def ask(self, questions: Iterable[Question]) -> None:
        """Ask all of these; whatever goes wrong is an answer."""
        left = list(questions)
        while left:
            if self._away is not None:
                self.found.update(dict.fromkeys(left, self._away))
                return
            try:
                for digest in self.registry.digests_of(self.host, left.copy()):
                    self.found[left.pop(0)] = digest
            except RegistryError as error:
                self._away = error if isinstance(error, RegistryAway) else None
                self.found[left.pop(0)] = error
