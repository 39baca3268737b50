"""Counts a replay: rebuilds of each image, and what each simpler rule would have rebuilt too much or missed."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.frozen import dataclass
from planner.model.image import ImageName
from planner.plan.replay import Replayed
from planner.plan.simple_rules import Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageTally:
    """How often an image was rebuilt, how often of these for its own inputs, and at how many commits it was there."""

    name: ImageName
    commits: int
    rebuilds: int
    own: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTally:
    """Rebuilds by a rule: `over` are those that keys do not ask for, `under` those that they ask for and it misses."""

    rule: Rule
    rebuilds: int
    over: int
    under: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """A whole replay in numbers. `unreadable` commits are those whose graph could not be read."""

    commits: int
    unreadable: int
    rebuilding: int
    rebuilds: int
    chances: int
    images: tuple[ImageTally, ...]
    rules: tuple[RuleTally, ...]


def tally(replayed: Sequence[Replayed], rules: Sequence[Rule]) -> Tally:
    """Count."""
    commits: dict[ImageName, int] = {}
    rebuilds: dict[ImageName, int] = {}
    own: dict[ImageName, int] = {}
    for one in replayed:
        for name in one.images:
            commits[name] = commits.get(name, 0) + 1
        for image in one.rebuilt:
            rebuilds[image.name] = rebuilds.get(image.name, 0) + 1
            own[image.name] = own.get(image.name, 0) + image.own
    return Tally(
        commits=len(replayed),
        unreadable=sum(bool(one.error) for one in replayed),
        rebuilding=sum(bool(one.rebuilt) for one in replayed),
        rebuilds=sum(rebuilds.values()),
        chances=sum(commits.values()),
        images=tuple(
            ImageTally(name=name, commits=commits[name], rebuilds=rebuilds.get(name, 0), own=own.get(name, 0))
            for name in commits
        ),
        rules=tuple(_rule(rule, replayed) for rule in rules),
    )


def _rule(rule: Rule, replayed: Sequence[Replayed]) -> RuleTally:
    sets = [(one.by_rule[rule], one.names) for one in replayed if not one.error]
    return RuleTally(
        rule=rule,
        rebuilds=sum(len(found) for found, _ in sets),
        over=sum(len(found - names) for found, names in sets),
        under=sum(len(names - found) for found, names in sets),
    )
