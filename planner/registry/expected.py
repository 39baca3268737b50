"""Scopes that will be asked for soon, in groups: one token holds for a whole group, where a token server gives such."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

TOGETHER = 16
"""Scopes of one token: it goes along with every request, and servers bound the length of a head."""


@dataclass(kw_only=True)
class Group:
    """Scopes, and whether a token for all of them was asked for; whoever asks holds the lock."""

    scopes: tuple[str, ...]
    asked: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Expected:
    """The groups of all hosts. For several threads."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], Group] = {}
        self._lock = threading.Lock()

    def add(self, host: str, scopes: Iterable[str]) -> None:
        """These scopes of a host will be asked for; one that is known already stays where it is."""
        with self._lock:
            new = [scope for scope in dict.fromkeys(scopes) if (host, scope) not in self._groups]
            for at in range(0, len(new), TOGETHER):
                group = Group(scopes=tuple(new[at : at + TOGETHER]))
                self._groups.update({(host, scope): group for scope in group.scopes})

    def group(self, host: str, scope: str) -> Group | None:
        """The group of a scope."""
        return self._groups.get((host, scope))
