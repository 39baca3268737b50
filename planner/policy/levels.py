"""Turns what is known of a run into its trust level, by one table. What no row admits is untrusted."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How far a run is trusted, from most to least."""

    RELEASE = "release"
    TRUSTED = "trusted"
    PR = "pr"
    UNTRUSTED = "untrusted"


TRUSTING = (Level.RELEASE, Level.TRUSTED)
"""The levels that nothing written below them may ever reach."""


class Event(enum.StrEnum):
    """What started a run, in words that all providers share."""

    PUSH = "push"
    SCHEDULE = "schedule"
    DISPATCH = "dispatch"
    RELEASE = "release"
    MERGE_QUEUE = "merge queue"
    PULL_REQUEST = "pull request"
    PULL_REQUEST_TARGET = "pull_request_target"
    COMMENT = "comment"
    OTHER_RUN = "another run"
    LOCAL = "local"
    UNKNOWN = "unknown"


class RefKind(enum.StrEnum):
    """What a run was started for."""

    PROTECTED_BRANCH = "protected branch"
    PROTECTED_TAG = "protected tag"
    PULL = "pull request's ref"
    OTHER = "other ref"


class Origin(enum.StrEnum):
    """Whose commits a run builds: this repository's own, those of a fork, or those of another repository."""

    SAME = "same repository"
    FORK = "fork"
    FOREIGN = "another repository"
    UNKNOWN = "unknown"


class Actor(enum.StrEnum):
    """Who caused a run: somebody who may write to the repository, somebody that the policy refuses, or nobody knows."""

    WRITER = "writer"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Runner(enum.StrEnum):
    """Where a run happens."""

    TRUSTED = "trusted runner"
    OTHER = "other runner"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is known of a run. `number` is that of its pull or merge request, 0 for none. All defaults are the least."""

    event: Event = Event.UNKNOWN
    ref: RefKind = RefKind.OTHER
    origin: Origin = Origin.UNKNOWN
    actor: Actor = Actor.UNKNOWN
    runner: Runner = Runner.UNKNOWN
    number: int = 0

    def __str__(self) -> str:
        number = f" {self.number}" if self.number else ""
        return f"{self.event}{number}, {self.ref}, {self.origin}, {self.actor}, {self.runner}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A row of the table: a run that is in all of its sets has this level."""

    level: Level
    events: frozenset[Event]
    ref: RefKind
    why: str


RULES = (
    Rule(
        level=Level.RELEASE,
        events=frozenset({Event.PUSH, Event.RELEASE}),
        ref=RefKind.PROTECTED_TAG,
        why="a protected tag of this repository, on a trusted runner",
    ),
    Rule(
        level=Level.TRUSTED,
        events=frozenset({Event.PUSH, Event.SCHEDULE, Event.DISPATCH}),
        ref=RefKind.PROTECTED_BRANCH,
        why="a push to, or a schedule on, a protected branch of this repository, on a trusted runner",
    ),
    Rule(
        level=Level.PR,
        events=frozenset({Event.PULL_REQUEST}),
        ref=RefKind.PULL,
        why="a pull request from within this repository, on a trusted runner",
    ),
)
"""First match wins. Every row asks for this repository's own commits, a writer and a trusted runner besides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A run's level and a sentence that says why."""

    run: Run
    level: Level
    why: str


def judge(run: Run) -> Judged:
    """The level of a run, and why."""
    for rule in RULES:
        if run.event in rule.events and run.ref is rule.ref:
            if missing := _missing(run):
                return Judged(run=run, level=Level.UNTRUSTED, why=f"{missing} where {rule.level} is asked")
            return Judged(run=run, level=rule.level, why=rule.why)
    return Judged(run=run, level=Level.UNTRUSTED, why=f"event {run.event} on a {run.ref} is trusted nowhere")


def level_of(run: Run) -> Level:
    """The level of a run."""
    return judge(run).level


def _missing(run: Run) -> str:
    if run.origin is not Origin.SAME:
        return f"commits of: {run.origin}"
    if run.actor is not Actor.WRITER:
        return f"actor: {run.actor}"
    if run.runner is not Runner.TRUSTED:
        return f"runner: {run.runner}"
    if (run.ref is RefKind.PULL) != (run.number > 0):
        return "no number of a pull request" if run.ref is RefKind.PULL else "a pull request's number"
    return ""
