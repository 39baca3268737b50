"""What must hold of a published family at any moment: every tag names something whole, every record its own image.

A look asks what each tag names now, and reads only what is new or moved since the look before; a full one reads all.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.registry import artefact
from planner.registry.artefact import Summary
from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from planner.registry.whole import whole

NAMES = ("base", "tool", "app", "side")
TOGETHER = 100
"""Tags that are asked for at once."""


class Soundness:
    """The looks at one prefix (HOST/PATH) of a registry. Nobody removes anything there between two full looks."""

    def __init__(self, prefix: str, names: Iterable[str] = NAMES) -> None:
        self.client = HttpRegistry()
        self.repositories = {name: f"{prefix}/{name}" for name in names}
        self.known: dict[tuple[str, str], Summary | None] = {}
        """What was found whole, by repository and digest, and what it tells where it is a record."""

    def expect(self, *, full: bool = False) -> int:
        """Look at all tags, and give how many there are. Raises AssertionError or RegistryError."""
        if full:
            self.known.clear()
        return sum(self._expect(name, repository) for name, repository in self.repositories.items())

    def _expect(self, name: str, repository: str) -> int:
        tags = tags_of(self.client, repository)
        host = repository.partition("/")[0]
        named: dict[str, str] = {}
        for at in range(0, len(tags), TOGETHER):
            asked = tags[at : at + TOGETHER]
            digests = self.client.digests_of(host, [(repository, tag) for tag in asked])
            named |= {tag: digest or "none" for tag, digest in zip(asked, digests, strict=True)}
        for digest in named.values():
            told = self._found(repository, digest)
            if told is not None:
                assert told.image == name
                assert named.get(told.key) == told.digest
                self._found(repository, told.digest)
        return len(tags)

    def _found(self, repository: str, digest: str) -> Summary | None:
        place = (repository, digest)
        if place not in self.known:
            found = whole(self.client, repository, digest)
            self.known[place] = artefact.summary(found.document) if artefact.is_record(found.document) else None
        return self.known[place]


def expect_sound(prefix: str) -> None:
    """One full look."""
    Soundness(prefix).expect(full=True)
