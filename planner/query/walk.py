"""Walks over edges between targets: closures up to a depth, all paths and one shortest path. Knows no expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from planner.query.targets import Target, Targets

Step = Callable[[Target], Iterable[Target]]


def closure(start: Iterable[Target], step: Step, depth: int | None, spend: Callable[[int], None]) -> Targets:
    """The targets and all that `step` leads to, at most `depth` steps away. Each edge is told to `spend`."""
    seen = set(start)
    front = set(seen)
    spend(len(seen))
    level = 0
    while front and (depth is None or level < depth):
        after: set[Target] = set()
        for target in front:
            found = tuple(step(target))
            spend(1 + len(found))
            after.update(one for one in found if one not in seen)
        seen |= after
        front = after
        level += 1
    return frozenset(seen)


def backwards(step: Step, among: Iterable[Target]) -> Mapping[Target, tuple[Target, ...]]:
    """The same edges seen from the other end, of those that begin in `among`."""
    found: dict[Target, list[Target]] = {}
    for target in among:
        for other in step(target):
            found.setdefault(other, []).append(target)
    return {target: tuple(targets) for target, targets in found.items()}


def shortest(
    start: Iterable[Target], end: Targets, step: Step, place: Callable[[Target], int], spend: Callable[[int], None]
) -> Targets:
    """The targets on one shortest path, () where there is none; of several the first in the order of `place`."""
    front = sorted(set(start), key=place)
    came: dict[Target, Target | None] = dict.fromkeys(front)
    spend(len(front))
    while front:
        for target in front:
            if target in end:
                return _back(target, came)
        after: list[Target] = []
        for target in front:
            found = sorted(step(target), key=place)
            spend(1 + len(found))
            for other in found:
                if other not in came:
                    came[other] = target
                    after.append(other)
        front = after
    return frozenset()


def _back(target: Target, came: Mapping[Target, Target | None]) -> Targets:
    path: list[Target] = []
    at: Target | None = target
    while at is not None:
        path.append(at)
        at = came[at]
    return frozenset(path)
