"""Turns a graph of work with durations into the bounds of its makespan, and into a schedule on so many slots.

Knows nothing of images, jobs or CI: names, what each waits for, and seconds. A slot does one thing at a time.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import TypeVar

from planner.model.frozen import dataclass

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What no schedule on `slots` slots can beat, in seconds, and what list scheduling never exceeds."""

    critical_path: float
    work: float
    slots: int

    @property
    def lower(self) -> float:
        """The larger of the longest chain and of all work spread evenly."""
        return max(self.critical_path, self.work / self.slots)

    @property
    def upper(self) -> float:
        """Graham's bound: no list schedule takes longer.

        R. L. Graham, Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17 (1969).
        """
        return self.work / self.slots + (1 - 1 / self.slots) * self.critical_path


def remaining(
    order: Sequence[Name], needs: Mapping[Name, frozenset[Name]], seconds: Mapping[Name, float]
) -> dict[Name, float]:
    """For each name its own seconds and those of the longest chain that waits for it. `order` names needs first."""
    behind: dict[Name, float] = dict.fromkeys(order, 0.0)
    found: dict[Name, float] = {}
    for name in reversed(order):
        found[name] = behind[name] + seconds[name]
        for need in needs[name]:
            behind[need] = max(behind[need], found[name])
    return found


def bounds(
    order: Sequence[Name], needs: Mapping[Name, frozenset[Name]], seconds: Mapping[Name, float], slots: int
) -> Bounds:
    """The bounds of this work on so many slots (at least one)."""
    longest = max(remaining(order, needs, seconds).values(), default=0.0)
    return Bounds(critical_path=longest, work=sum(seconds[name] for name in order), slots=slots)


def scheduled(
    order: Sequence[Name],
    needs: Mapping[Name, frozenset[Name]],
    seconds: Mapping[Name, float],
    slots: int,
    rank: Mapping[Name, float],
) -> dict[Name, float]:
    """When each name ends, if a free slot always takes the ready name of the highest rank; ties keep `order`."""
    waits = {name: len(needs[name]) for name in order}
    followers: dict[Name, list[Name]] = {name: [] for name in order}
    place = {name: index for index, name in enumerate(order)}
    for name in order:
        for need in needs[name]:
            followers[need].append(name)
    ready = [(-rank[name], place[name], name) for name in order if not waits[name]]
    heapq.heapify(ready)
    running: list[tuple[float, int, Name]] = []
    ends: dict[Name, float] = {}
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            _, at, name = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[name], at, name))
        now, _, name = heapq.heappop(running)
        ends[name] = now
        for follower in followers[name]:
            waits[follower] -= 1
            if not waits[follower]:
                heapq.heappush(ready, (-rank[follower], place[follower], follower))
    return ends


def in_waves(waves: Sequence[Sequence[float]], slots: int) -> float:
    """The seconds of waves of which each waits for the whole one before, longest first on so many slots."""
    total = 0.0
    for wave in waves:
        free = [0.0] * min(slots, max(len(wave), 1))
        for seconds in sorted(wave, reverse=True):
            heapq.heapreplace(free, free[0] + seconds)
        total += max(free)
    return total
