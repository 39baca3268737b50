"""Joins the builders of a command line into those of one run: engines, and what the scheduler is told of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.build.buildx import BuildxBuilder, Folders
from planner.build.context import Contexts
from planner.build.engine import find_engine
from planner.build.entitlements import Allowed, allowed_by
from planner.build.layout import Incomplete, Layout
from planner.build.pool import Member, parse
from planner.cli import machine
from planner.cli.family import folder_of
from planner.digest.key import Keys
from planner.errors import PlannerError
from planner.local.journal import PastRun
from planner.local.state import State
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.plan.baseline import Baseline
from planner.plan.rebuild import Plan
from planner.plan.sizes import fetch_seconds
from planner.ports import Registry
from planner.schedule.workers import Work, Worker

Caches = Mapping[ImageName, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Builders:
    """The builders of a run by their names, and as the scheduler sees them."""

    named: Mapping[str, BuildxBuilder]
    workers: tuple[Worker, ...]

    @property
    def first(self) -> BuildxBuilder:
        """One of them, for what any can do."""
        return next(iter(self.named.values()))

    def holds(self, image: Stored) -> bool:
        """Whether an image is where it is said to be; all of them keep results in one place."""
        return self.first.holds(image)

    def close(self) -> None:
        """Remove what stands outside the run's folder."""
        for builder in self.named.values():
            builder.close()

    def __str__(self) -> str:
        return " and ".join(str(builder.engine) for builder in self.named.values())


def builders_of(
    options: argparse.Namespace,
    keys: Keys,
    state: State,
    members: Iterable[Member],
    registry: Registry | None,
    cached: Caches,
    jobs: int,
) -> Builders:
    """The engines of a run, with their folders below the state folder, which is held.

    Each takes as many builds at once as `jobs` says, times its weight.
    """
    have = machine.capacity_of(options)
    folders = _folders(options, state)
    contexts = Contexts(state.run / "contexts", keys.made_by.tree)
    allowed = allowed_by(options.allow, os.environ)
    named: dict[str, BuildxBuilder] = {}
    workers: list[Worker] = []
    for member in members:
        engine = member.engine
        named[engine.spec] = BuildxBuilder(
            engine,
            folders,
            keys.made_by.tree,
            registry,
            cached,
            contexts=contexts,
            limit=options.timeout_per_image,
            allowed=allowed,
        )
        workers.append(
            Worker(
                name=engine.spec,
                slots=max(1, round(jobs * member.weight)),
                native=frozenset(engine.native),
                emulated=frozenset(engine.emulated),
                capacity=have,
            )
        )
    return Builders(named=named, workers=tuple(workers))


def builder_of(
    options: argparse.Namespace,
    keys: Keys,
    state: State,
    registry: Registry | None = None,
    cached: Caches | None = None,
    *,
    allowed: Allowed | None = None,
) -> BuildxBuilder:
    """The one engine of a command that builds beside a plan, or under rules of its own; the first one of several.

    Builds have nothing of the machine beside the workspace but what is `allowed`.
    """
    spec = parse(options.builder or os.environ.get("PLANNER_BUILDER", ""))[0][0]
    engine = find_engine(spec, os.environ, state.run, state.builders)
    return BuildxBuilder(engine, _folders(options, state), keys.made_by.tree, registry, cached, allowed=allowed)


def _folders(options: argparse.Namespace, state: State) -> Folders:
    return Folders(workspace=folder_of(options).absolute(), run=state.run, logs=state.logs, layout=state.layout)


def work_of(
    options: argparse.Namespace, keys: Keys, plan: Plan, then: Baseline, builders: Builders, past: list[PastRun]
) -> Work:
    """What the scheduler is told of images. Raises PlannerError for those that no builder could ever build."""
    graph = keys.made_by.loaded.graph
    names = [image.name for image in plan.building]
    platforms = {name: graph.nodes[name].image.platforms for name in names}
    needs = machine.needs_of(options, keys, names)
    if len(builders.workers) == 1:
        return Work(needs=needs)
    _refuse_unsuited(platforms, builders.workers)
    reads = {image.name: frozenset(image.parents) for image in plan.building}
    parents = {parent for found in reads.values() for parent in found}
    return Work(
        needs=needs,
        platforms=platforms,
        reads=reads,
        fetch=fetch_seconds(graph, parents, _sizes(parents, then, builders.first.layout)),
        homes=_homes(past, parents),
    )


def _refuse_unsuited(platforms: Mapping[ImageName, tuple[str, ...]], workers: tuple[Worker, ...]) -> None:
    unsuited = [
        f"  {name} is for {', '.join(asked)}"
        for name, asked in platforms.items()
        if all(worker.rank(asked) is None for worker in workers)
    ]
    if unsuited:
        offers = "\n".join(f"  {one.name} offers {', '.join(sorted(one.native | one.emulated))}" for one in workers)
        told = "\n".join(unsuited)
        raise PlannerError(f"no builder offers all platforms of these images\n{told}\n{offers}")


def _sizes(names: set[ImageName], then: Baseline, layout: Layout) -> dict[ImageName, int]:
    """The sizes of images as they were built last, in bytes, of those that are in the planner's own store."""
    found: dict[ImageName, int] = {}
    for name in names:
        past = then.get(name)
        if past is None or past.stored is None or past.stored.store is not Store.LAYOUT:
            continue
        try:
            found[name] = sum(layout.layers(past.stored.digest).values())
        except (Incomplete, OSError):
            continue
    return found


def _homes(past: list[PastRun], parents: set[ImageName]) -> dict[ImageName, frozenset[str]]:
    """The builder on which each image was built last, as the journal has it."""
    last = {name: run.begun[name] for run in past for name in run.finished if name in run.begun}
    return {name: frozenset((last[name],)) for name in parents if name in last}
