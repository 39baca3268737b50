"""Turns a plan into CI jobs that no provider owns: which images each builds, what it waits for, and where it runs.

Only what rebuilds is in a job. Parents that do not rebuild are pulled by whoever needs them, and nobody waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from planner.ci.names import job_id, refuse_alike, refuse_unsafe
from planner.model.graph import ImageGraph
from planner.model.image import Family, ImageName, Kind, KindDefaults, Pairs
from planner.plan.durations import Durations
from planner.plan.rebuild import Plan

DEFAULT_RUNNER = "ubuntu-latest"
DEMANDING = (Kind.CUDA, Kind.DERIVED, Kind.BASE)
"""A job of several kinds runs where the first of these that it has wants to run."""

Group = tuple[ImageName, ...]
"""Images that one job builds, parents before children."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One CI job. `level` counts the longest way of `needs` below it. `seconds` forecasts it, None where nobody did;
    `known` says for how many of its images that rests on records."""

    id: str
    images: Group
    needs: tuple[str, ...]
    level: int
    kind: Kind
    runner: str
    platforms: tuple[str, ...]
    resources: Pairs = ()
    seconds: float | None = None
    known: int = 0

    @property
    def title(self) -> str:
        """The job for people: its image, or the first one and how many more."""
        return self.images[0] if len(self.images) == 1 else f"{self.images[0]} and {len(self.images) - 1} more"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuild:
    """The images of a plan that rebuild, parents first, with their parents among them."""

    graph: ImageGraph
    family: Family
    order: tuple[ImageName, ...]
    parents: Mapping[ImageName, frozenset[ImageName]]
    keys: Mapping[ImageName, str]
    durations: Durations

    def kind(self, group: Group) -> Kind:
        """The most demanding kind of a group."""
        kinds = {self.graph.nodes[name].kind for name in group}
        return next(kind for kind in DEMANDING if kind in kinds)

    def defaults(self, group: Group) -> KindDefaults:
        """What the most demanding kind of a group carries; a kind without a runner leaves the choice to the next."""
        kinds = {self.graph.nodes[name].kind for name in group}
        found = [self.family.kind_defaults(kind.value) for kind in DEMANDING if kind in kinds]
        return next((one for one in found if one.runner), found[0])

    def runner(self, group: Group) -> str:
        """The label of the runner that a group needs."""
        return self.defaults(group).runner or DEFAULT_RUNNER


def rebuild_of(plan: Plan, graph: ImageGraph, family: Family, durations: Durations) -> Rebuild:
    """The part of a plan that CI has to do. Raises PlannerError for names that no CI file can hold safely."""
    building = {image.name for image in plan.building}
    order = tuple(image.name for image in plan.building)
    found = Rebuild(
        graph=graph,
        family=family,
        order=order,
        parents={image.name: frozenset(image.parents) & building for image in plan.building},
        keys={image.name: image.key for image in plan.building},
        durations=durations,
    )
    kinds = {graph.nodes[name].kind for name in order}
    runners = (found.family.kind_defaults(kind.value).runner or DEFAULT_RUNNER for kind in kinds)
    refuse_unsafe(order, runners, (at for name in order for at in graph.nodes[name].image.platforms))
    return found


def alone(work: Rebuild) -> list[Group]:
    """Every image in a job of its own."""
    return [(name,) for name in work.order]


def connected(work: Rebuild, names: Iterable[ImageName]) -> list[Group]:
    """The images by connected part of the graph between them: no part waits for another one."""
    wanted = set(names)
    head: dict[ImageName, ImageName] = {}

    def root(name: ImageName) -> ImageName:
        while head[name] != name:
            head[name] = head[head[name]]
            name = head[name]
        return name

    for name in work.order:
        if name in wanted:
            head[name] = name
            for parent in work.parents[name] & wanted:
                head[root(parent)] = root(name)
    found: dict[ImageName, list[ImageName]] = {}
    for name in work.order:
        if name in wanted:
            found.setdefault(root(name), []).append(name)
    return [tuple(group) for group in found.values()]


def depths(work: Rebuild) -> dict[ImageName, int]:
    """How many images that rebuild stand below each one."""
    found: dict[ImageName, int] = {}
    for name in work.order:
        found[name] = max((found[parent] + 1 for parent in work.parents[name]), default=0)
    return found


def folded(work: Rebuild, groups: Sequence[Group], levels: int) -> list[Group]:
    """The groups in no more than so many levels: images of deeper ones share a job with what they are connected to."""
    needs = waits(groups, work.parents)
    level = levels_of_groups(in_order(groups, needs), needs)
    above = [group for group in groups if level[group[0]] < levels - 1]
    return [*above, *connected(work, (name for group in groups if level[group[0]] >= levels - 1 for name in group))]


def jobs_of(work: Rebuild, groups: Sequence[Group], seconds: Mapping[Group, float] | None = None) -> tuple[Job, ...]:
    """Jobs for groups that are disjoint, hold every image, and wait for one another without a cycle; needed ones first.

    `seconds` forecasts groups.
    """
    ids = {group[0]: job_id("build", group[0]) for group in groups}
    refuse_alike(ids.values())
    needs = waits(groups, work.parents)
    ordered = in_order(groups, needs)
    level = levels_of_groups(ordered, needs)
    found: list[Job] = []
    for group in ordered:
        found.append(
            Job(
                id=ids[group[0]],
                images=group,
                needs=tuple(sorted(ids[other] for other in needs[group[0]])),
                level=level[group[0]],
                kind=work.kind(group),
                runner=work.runner(group),
                platforms=tuple(dict.fromkeys(at for name in group for at in work.graph.nodes[name].image.platforms)),
                resources=work.defaults(group).resources,
                seconds=None if seconds is None else seconds[group],
                known=sum(name in work.durations.recorded for name in group),
            )
        )
    return tuple(found)


def waits(
    groups: Iterable[Group], parents: Mapping[ImageName, frozenset[ImageName]]
) -> dict[ImageName, frozenset[ImageName]]:
    """The groups that each group waits for; a group goes by its first image, since hashing it whole takes long."""
    home = {name: group[0] for group in groups for name in group}
    return {
        group[0]: frozenset(home[parent] for name in group for parent in parents[name]) - {group[0]} for group in groups
    }


def in_order(groups: Sequence[Group], needs: Mapping[ImageName, frozenset[ImageName]]) -> list[Group]:
    """The groups, needed ones first. Raises ValueError where they wait for one another in a cycle."""
    by_head = {group[0]: group for group in groups}
    waiting = {head: len(below) for head, below in needs.items()}
    followers: dict[ImageName, list[ImageName]] = {head: [] for head in needs}
    for head, below in needs.items():
        for other in sorted(below):
            followers[other].append(head)
    ready = [head for head, count in waiting.items() if not count]
    for head in ready:
        for follower in followers[head]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    if len(ready) != len(needs):
        raise ValueError("jobs wait for one another in a cycle")
    return [by_head[head] for head in ready]


def levels_of_groups(ordered: Sequence[Group], needs: Mapping[ImageName, frozenset[ImageName]]) -> dict[ImageName, int]:
    """The longest way of needs below each group, by its first image."""
    level: dict[ImageName, int] = {}
    for group in ordered:
        level[group[0]] = max((level[other] + 1 for other in needs[group[0]]), default=0)
    return level
