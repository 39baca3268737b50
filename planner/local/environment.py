"""The environment as a mapping that knows what it was asked, so that an answer can name what decided it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from planner.model.image import WITHHELD


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
