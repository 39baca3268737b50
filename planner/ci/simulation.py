"""Turns changes of a family into what they cost under several ways to build it: minutes, money and bytes, simulated.

Everything rests on durations, sizes and rates that are given; nothing is measured here.
"""

from __future__ import annotations

import enum
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from planner.ci.jobs import Group, Rebuild, alone, connected
from planner.ci.packing import Costs, Jobs, Model, packed
from planner.model.graph import ImageGraph, Node, ParentImage, Use, children_of, levels_of, order_of
from planner.model.image import Family, Image, ImageName, Kind, Span
from planner.plan.durations import durations
from planner.plan.timing import remaining, scheduled

MOST_PACKED = 1000
"""Above so many images that rebuild at once, packing by cost is not tried: it simulates too many schedules."""


class Policy(enum.StrEnum):
    """A way to build after a change."""

    EVERYTHING = "rebuild all"
    LEVELS = "levels"
    CHAINS = "chains"
    PACKED = "packed"
    OURS = "one pool"


MEANING = {
    Policy.EVERYTHING: "a job for each image of the family, level by level",
    Policy.LEVELS: "a job for each image that rebuilds, level by level",
    Policy.CHAINS: "a job for each connected part of what rebuilds",
    Policy.PACKED: "jobs packed by cost, each as soon as its needs are done",
    Policy.OURS: "planner build on one builder with so many slots, where parents are at hand",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What a minute of a runner costs; each job is rounded up to whole minutes."""

    minute: float = 0.008

    def of(self, seconds: Iterable[float]) -> float:
        """The price of jobs of these seconds."""
        return sum(math.ceil(one / 60) for one in seconds) * self.minute


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one change, or many, cost: seconds until the end, money, and bytes pulled and pushed."""

    seconds: float = 0.0
    money: float = 0.0
    bytes: float = 0.0

    def plus(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(
            seconds=self.seconds + other.seconds, money=self.money + other.money, bytes=self.bytes + other.bytes
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """The machines of a simulation."""

    slots: int = 4
    costs: Costs = field(default_factory=Costs)
    price: Price = field(default_factory=Price)


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """A simulation: how many changes of how large a family, and what they cost by policy. Policies that were not
    tried, for being too slow on so many images, are missing."""

    images: int
    changes: int
    rebuilds: int
    slots: int
    costs: dict[Policy, Cost]


def part(family: Rebuild, names: Iterable[ImageName]) -> Rebuild:
    """The same family with only these images to rebuild."""
    wanted = frozenset(names)
    order = tuple(name for name in family.order if name in wanted)
    return replace(family, order=order, parents={name: family.parents[name] & wanted for name in order})


def simulate(family: Rebuild, changes: Sequence[frozenset[ImageName]], setting: Setting) -> Simulated:
    """What the changes cost, each built on its own. A change is the set of images that it rebuilds."""
    total: dict[Policy, Cost] = {}
    skipped = {Policy.PACKED} if any(len(one) > MOST_PACKED for one in changes) else set()
    whole = _jobs(family, alone(family), setting, levels=True)
    for names in changes:
        work = part(family, names)
        for policy in Policy:
            if policy not in skipped:
                cost = whole if policy is Policy.EVERYTHING else _cost(policy, work, setting)
                total[policy] = total.get(policy, Cost()).plus(cost)
    return Simulated(
        images=len(family.order),
        changes=len(changes),
        rebuilds=sum(map(len, changes)),
        slots=setting.slots,
        costs=total,
    )


def _cost(policy: Policy, work: Rebuild, setting: Setting) -> Cost:
    match policy:
        case Policy.CHAINS:
            return _jobs(work, connected(work, work.order), setting)
        case Policy.PACKED:
            return _jobs(work, packed(work, setting.slots, setting.costs), setting)
        case Policy.OURS:
            return _pool(work, setting)
    return _jobs(work, alone(work), setting, levels=True)


def _jobs(work: Rebuild, groups: Sequence[Group], setting: Setting, *, levels: bool = False) -> Cost:
    model = Model(work, setting.costs)
    jobs = Jobs(model, groups)
    moved = sum(model.moved(group) for group in groups)
    seconds = jobs.in_levels(setting.slots) if levels else jobs.makespan(setting.slots)
    return Cost(seconds=seconds, money=setting.price.of(jobs.seconds.values()), bytes=moved)


def _pool(work: Rebuild, setting: Setting) -> Cost:
    """One builder, started once: images wait for what they read, and each parent from outside is pulled once."""
    model = Model(work, setting.costs)
    if not work.order:
        return Cost()
    took = {name: work.durations.seconds[name] + model.pushed((name,)) / setting.costs.push for name in work.order}
    rank = remaining(work.order, work.parents, took)
    builds = max(scheduled(work.order, work.parents, took, setting.slots, rank).values())
    pulled = model.pulled(work.order)
    seconds = setting.costs.start + pulled / setting.costs.pull + builds
    money = setting.price.of([seconds] * min(setting.slots, len(work.order)))
    return Cost(seconds=seconds, money=money, bytes=pulled + model.pushed(work.order))


def synthetic(images: int, seed: int) -> Rebuild:
    """A family of so many images, the same for the same seed: most stand on one of the dozen before them."""
    turn = random.Random(seed)  # noqa: S311 -- the same family each time is what is wanted
    here = Span(file="synthetic", line=1)
    names = [ImageName(f"image{index}") for index in range(images)]
    parents: dict[ImageName, tuple[ImageName, ...]] = {}
    for index, name in enumerate(names):
        near = names[index // 3 : min(index, index // 3 + 12)]
        parents[name] = tuple(turn.sample(near, min(turn.choice((1, 1, 1, 1, 2)), len(near)))) if index % 20 else ()
    order = order_of(parents)
    levels = levels_of(order, parents)
    nodes = {}
    for name in order:
        uses = tuple(Use(role="FROM", reference=one, span=here, origin=ParentImage(name=one)) for one in parents[name])
        kind = turn.choice((Kind.DERIVED, Kind.DERIVED, Kind.CUDA)) if uses else Kind.BASE
        nodes[name] = Node(image=Image(name=name, span=here), uses=uses, kind=kind, level=levels[name])
    graph = ImageGraph(nodes=nodes, order=order, children=children_of(parents))
    recorded = {name: turn.expovariate(1 / 180) for name in order}
    return Rebuild(
        graph=graph,
        family=Family(file="synthetic", images=(), registry="registry.example"),
        order=order,
        parents={name: frozenset(graph.nodes[name].parents) for name in order},
        keys={},
        durations=durations(graph, order, recorded),
    )


def random_changes(family: Rebuild, count: int, seed: int) -> list[frozenset[ImageName]]:
    """So many changes of one image each, with all that stands on it."""
    turn = random.Random(seed)  # noqa: S311 -- as above
    return [family.graph.descendants([turn.choice(family.order)]) for _ in range(count if family.order else 0)]
