"""Turns a level into the scopes that it may read, in order, and the one that it may write. Knows no registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.policy.levels import Event, Level, Run, level_of

MAIN, RELEASE = "main", "release"
PR = "pr"
"""A pull request's own scope, before its number is filled in."""
SCOPES = (MAIN, RELEASE, PR)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What a level may do: `reads` from first to last, and `write`, None for nothing."""

    reads: tuple[str, ...]
    write: str | None


ACCESS: Mapping[Level, Access] = {
    Level.RELEASE: Access(reads=(RELEASE, MAIN), write=RELEASE),
    Level.TRUSTED: Access(reads=(MAIN,), write=MAIN),
    Level.PR: Access(reads=(PR, MAIN), write=PR),
    Level.UNTRUSTED: Access(reads=(MAIN,), write=None),
}
"""What the planner itself keeps to, whatever a policy file adds. A pull request's own scope comes before main's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A scope as a run sees it: `pr` holds the number of its pull request."""

    kind: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.kind}/{self.number}" if self.number else self.kind


def reads_of(run: Run) -> tuple[Scope, ...]:
    """The scopes that a run may read, in the order in which they are asked."""
    return tuple(_scope(kind, run) for kind in ACCESS[level_of(run)].reads)


def write_of(run: Run) -> Scope | None:
    """The one scope that a run may write, None for nothing."""
    kind = ACCESS[level_of(run)].write
    return None if kind is None else _scope(kind, run)


def github_write_of(run: Run) -> Scope | None:
    """The scope that GitHub itself lets a run write in its own cache, by the run's ref.

    Forks are among them: GitHub keeps what a pull request wrote to its own `refs/pull/N/merge`
    (docs.github.com, dependency caching, "Restrictions for accessing a cache").
    """
    if run.event is Event.PULL_REQUEST and run.number:
        return Scope(kind=PR, number=run.number)
    return write_of(run)


def _scope(kind: str, run: Run) -> Scope:
    return Scope(kind=kind, number=run.number if kind == PR else 0)
