"""The environment as a mapping that knows what it was asked, so that an answer can name what decided it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping


class Environment(Mapping[str, str]):
    """The variables of this process. `asked` are the names that were looked up, whether they are set or not."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        self.asked.update(os.environ)
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)
