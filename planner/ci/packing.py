"""Packs the images of a rebuild into jobs by cost: fuses where starting a runner and pulling a parent cost more than
the parallelism that is lost, and forecasts what comes of it. Decides by simulation; knows no provider.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from planner.ci.jobs import Group, Rebuild, alone, connected, in_order, waits
from planner.model.image import ImageName, Kind
from planner.plan.sizes import ASSUMED_SIZES, PULL
from planner.plan.timing import Bounds, bounds, in_waves, remaining, scheduled

EFFORT = 250_000
"""Jobs that are simulated at most, over all trials: it bounds the time of packing, whatever the family."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Seconds until a runner has begun, bytes a second of pulls and pushes, and the sizes of images by kind."""

    start: float = 40.0
    pull: float = PULL
    push: float = 30e6
    sizes: Mapping[Kind, float] = field(default_factory=lambda: ASSUMED_SIZES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """How long a set of jobs takes on so many slots, simulated, beside the bounds and the naive matrix. Seconds.

    `makespan` starts each job when its needs are done, `in_levels` waits for whole levels as a dynamic matrix does.
    `naive` is a job for each image, waiting for whole levels. `bounds` are of the images alone: no jobs start faster,
    no runner has to be started, nothing is pulled.
    """

    slots: int
    makespan: float
    in_levels: float
    naive: float
    work: float
    bounds: Bounds


class Model:
    """What groups of images cost as jobs. A job builds its images one after another, which is the most it can take."""

    def __init__(self, work: Rebuild, costs: Costs) -> None:
        self.work = work
        self.costs = costs

    def size(self, name: ImageName) -> float:
        """Bytes of an image, by its kind."""
        return self.costs.sizes[self.work.graph.nodes[name].kind]

    def pulled(self, group: Group) -> float:
        """Bytes of the parents that are built elsewhere."""
        inside = set(group)
        outside = {parent for name in group for parent in self.work.graph.nodes[name].parents if parent not in inside}
        return sum(self.size(name) for name in sorted(outside))

    def pushed(self, group: Group) -> float:
        """Bytes of the results, where they are pushed."""
        return sum(self.size(name) for name in group) if self.work.family.registry else 0.0

    def moved(self, group: Group) -> float:
        """Bytes pulled and pushed."""
        return self.pulled(group) + self.pushed(group)

    def seconds(self, group: Group) -> float:
        """Start, pulls, the builds, and the pushes."""
        built = sum(self.work.durations.seconds[name] for name in group)
        return self.costs.start + self.pulled(group) / self.costs.pull + built + self.pushed(group) / self.costs.push


class Jobs:
    """Groups with their costs and needs, as something that can be tried out: keys are the first image of each."""

    def __init__(self, model: Model, groups: Sequence[Group]) -> None:
        self.needs = waits(groups, model.work.parents)
        self.groups = in_order(groups, self.needs)
        self.seconds = {group[0]: model.seconds(group) for group in self.groups}
        self.order = [group[0] for group in self.groups]

    @property
    def work(self) -> float:
        """Seconds of all jobs together."""
        return sum(self.seconds.values())

    def makespan(self, slots: int) -> float:
        """Seconds if each job starts when its needs are done and a slot is free, the longest chain first."""
        rank = remaining(self.order, self.needs, self.seconds)
        return max(scheduled(self.order, self.needs, self.seconds, slots, rank).values(), default=0.0)

    def in_levels(self, slots: int) -> float:
        """Seconds if each level of jobs waits for the whole one before."""
        level: dict[ImageName, int] = {}
        for name in self.order:
            level[name] = max((level[need] + 1 for need in self.needs[name]), default=0)
        waves: list[list[float]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
        for name in self.order:
            waves[level[name]].append(self.seconds[name])
        return in_waves(waves, slots)


def packed(work: Rebuild, slots: int, costs: Costs, *, levels: bool = False) -> list[Group]:
    """The groups of the shortest forecast that greedy fusing finds, never longer than one job for each image.

    With `levels` the forecast is that of a matrix for each level. Ties go to fewer seconds of work in all. Images that
    want different runners are never fused.
    """
    model = Model(work, costs)

    def price(groups: Sequence[Group]) -> tuple[float, float]:
        jobs = Jobs(model, groups)
        return (jobs.in_levels(slots) if levels else jobs.makespan(slots)), jobs.work

    best = alone(work)
    if not best:
        return best
    whole = connected(work, work.order)
    if all(len({work.runner((name,)) for name in group}) == 1 for group in whole) and price(whole) < price(best):
        best = whole
    return min(_fused(work, _chains(work), price), best, key=price)


def _chains(work: Rebuild) -> list[Group]:
    """An image and its only child that has no other parent are one job: apart they could never run at once."""
    children: dict[ImageName, list[ImageName]] = {name: [] for name in work.order}
    for name in work.order:
        for parent in work.parents[name]:
            children[parent].append(name)
    home: dict[ImageName, list[ImageName]] = {}
    for name in work.order:
        above = list(work.parents[name])
        lonely = len(above) == 1 and children[above[0]] == [name]
        if lonely and work.runner((name,)) == work.runner((above[0],)):
            home[name] = home[above[0]]
            home[name].append(name)
        else:
            home[name] = [name]
    return [tuple(home[name]) for name in work.order if home[name][0] == name]


def _fused(work: Rebuild, groups: list[Group], price: Callable[[Sequence[Group]], tuple[float, float]]) -> list[Group]:
    """Fuse pairs as long as one makes the price lower, and the effort lasts."""
    now = price(groups)
    effort = EFFORT
    improved = True
    while improved:
        improved = False
        for first, second in _pairs(work, groups):
            if first not in groups or second not in groups or effort < 0:
                continue
            effort -= len(groups)
            tried = _merged(work, groups, first, second)
            try:
                then = price(tried)
            except ValueError:
                continue
            if _better(then, now):
                groups, now, improved = tried, then, True
    return groups


def _better(then: tuple[float, float], now: tuple[float, float]) -> bool:
    return then[0] < now[0] - 1e-9 or (then[0] <= now[0] + 1e-9 and then[1] < now[1] - 1e-9)


def _merged(work: Rebuild, groups: Sequence[Group], first: Group, second: Group) -> list[Group]:
    both = set(first) | set(second)
    fused = tuple(name for name in work.order if name in both)
    return [fused if group == first else group for group in groups if group != second]


def _pairs(work: Rebuild, groups: Sequence[Group]) -> Iterator[tuple[Group, Group]]:
    """Pairs that may share a job: parents with children, then small jobs that wait for the same ones."""
    needs = waits(groups, work.parents)
    by_head = {group[0]: group for group in groups}
    runner = {group[0]: work.runner(group) for group in groups}
    alike: dict[tuple[str, frozenset[ImageName]], list[Group]] = {}
    for group in groups:
        head = group[0]
        alike.setdefault((runner[head], needs[head]), []).append(group)
        for other in sorted(needs[head]):
            if runner[other] == runner[head]:
                yield by_head[other], group
    for members in alike.values():
        members.sort(key=lambda group: sum(work.durations.seconds[name] for name in group))
        yield from itertools.pairwise(members)


def forecast(work: Rebuild, groups: Sequence[Group], slots: int, costs: Costs) -> Forecast:
    """What these groups take on so many slots."""
    model = Model(work, costs)
    jobs = Jobs(model, groups)
    return Forecast(
        slots=slots,
        makespan=jobs.makespan(slots),
        in_levels=jobs.in_levels(slots),
        naive=Jobs(model, alone(work)).in_levels(slots),
        work=jobs.work,
        bounds=bounds(work.order, work.parents, work.durations.seconds, slots),
    )
