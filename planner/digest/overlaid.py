"""A mapping over another whose values may cost something to read: what nobody asks for is never read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Overlaid(Mapping[K, V]):
    """The values of `made` for its keys, and those of `below` for the keys in `kept`. One layer, however often laid."""

    def __init__(self, made: Mapping[K, V], below: Mapping[K, V], kept: Iterable[K]) -> None:
        self._made = dict(made)
        self._below = below
        self._kept = dict.fromkeys(kept)
        if isinstance(below, Overlaid):
            self._made.update({key: below._made[key] for key in self._kept if key in below._made})
            self._kept = {key: None for key in self._kept if key not in self._made}
            self._below = below._below

    def __getitem__(self, key: K) -> V:
        if key in self._made:
            return self._made[key]
        if key in self._kept:
            return self._below[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        yield from self._made
        yield from self._kept

    def __len__(self) -> int:
        return len(self._made) + len(self._kept)
