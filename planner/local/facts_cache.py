"""Keeps the facts of a family at one revision, so that a plan after an edit thinks only of what the edit can reach.

They are of use where a tree says of the graph file and of every Dockerfile what that revision said; each image's trace
tells whether the rest is the same too. Like all of the cache they may be deleted or damaged at any time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from planner.digest import kept, restored
from planner.digest.key import Facts
from planner.digest.written import Unreadable
from planner.local import cache_file
from planner.local.environment import Environment
from planner.model.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """Facts, the content of the revision that they are of, and the variables that its graph file asked for, as then."""

    facts: Facts
    content: str
    environment: tuple[str, ...]

    def is_read_alike(self, environment: Environment) -> bool:
        """Whether each variable that the graph file asked for is as it was."""
        return self.environment == tuple(values(self.environment[::2], environment))


def question(folder: str, file: str, variables: Sequence[str], *, named: bool) -> list[str]:
    """What the facts are of, and by which planner; where nobody `named` the file, they may be of another one.

    Raises OSError where the planner cannot see its own files.
    """
    return [*cache_file.program(), os.path.realpath(folder), "-f" if named else "", file, *variables]


def values(names: Sequence[str], environment: Environment) -> list[str]:
    """Names and values as they are now; `=` before a value tells an empty one from none."""
    return [text for name in names for text in (name, f"={environment[name]}" if name in environment else "")]


def _place(cache: str, asked: Sequence[str]) -> str:
    return f"{cache}/facts-{cache_file.digest(asked)}"


_ahead: dict[str, Remembered | None] = {}


def ahead(cache: str, asked: Sequence[str]) -> None:
    """Read the facts now, for a `recall` that comes later in this process."""
    place = _place(cache, asked)
    _ahead[place] = _recall(place, asked)


def recall(cache: str, asked: Sequence[str]) -> Remembered | None:
    """The facts that were kept last, None where there are none."""
    place = _place(cache, asked)
    return _ahead.pop(place) if place in _ahead else _recall(place, asked)


def _recall(place: str, asked: Sequence[str]) -> Remembered | None:
    groups = cache_file.read(place)
    if groups is None or len(groups) != 4 or groups[0] != asked:
        return None
    _, (content,), environment, (text,) = groups
    try:
        facts = restored.read(text)
    except Unreadable:
        return None
    return Remembered(facts=facts, content=content, environment=tuple(environment))


def keep(cache: str, asked: Sequence[str], remembered: Remembered) -> None:
    """Keep facts in the place of those that were kept before."""
    text = kept.write(remembered.facts)
    cache_file.write(_place(cache, asked), (asked, [remembered.content], remembered.environment, [text]))
