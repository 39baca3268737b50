"""The environment as a mapping that knows what it was asked, so that an answer can name what decided it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from planner.model.image import WITHHELD

SETTINGS = ("COMPOSE_", "BUILDX_BAKE_", "DOCKER_DEFAULT_PLATFORM", "PLANNER_REGISTRY", "SOURCE_DATE_EPOCH")
"""How the names of variables begin that say how graph files are read: none of them holds a secret."""


class Environment(Mapping[str, str]):
    """The variables of this process. `asked` are the names that were looked up, whether they are set or not.

    This run's private key is not among them: a graph file could make an argument of it.
    """

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self._values: Mapping[str, str] = os.environ

    def close(self) -> None:
        """Have no variables from now on: what is read next may be somebody else's, and ask for a secret."""
        self._values = {}

    @contextmanager
    def narrowed(self, names: Collection[str]) -> Iterator[None]:
        """Have these variables alone, and settings: what is read may be somebody else's, and tell a secret in a mistake

        that it makes on purpose, in letters that no CI hides.
        """
        before = self._values
        self._values = {name: value for name, value in before.items() if name in names or name.startswith(SETTINGS)}
        try:
            yield
        finally:
            self._values = before

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        if name in WITHHELD:
            raise KeyError(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self.asked.update(self._values)
        return (name for name in self._values if name not in WITHHELD)

    def __len__(self) -> int:
        return len(self._values.keys() - WITHHELD)
