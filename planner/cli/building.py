"""Builds what a plan names, with the state folder held, in parallel, and records what is stored.

Loaded only where something is built: a run that finds everything in place needs no engine, no thread and no display.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from planner.cli import interrupts, live, reports
from planner.cli.asides import warn
from planner.cli.builders import Builders, builders_of, work_of
from planner.cli.family import chosen
from planner.cli.journaling import Journaling, tell_of_the_last
from planner.cli.outcome import note
from planner.cli.parents import completed, if_told, only, parents_of, resumed, saved_plan
from planner.cli.plan import AGAINST_RECORDS, is_pushed
from planner.cli.recalled import with_steps
from planner.cli.store_room import make_room
from planner.digest.key import Keys
from planner.errors import StateError
from planner.local.journal import NAME, Journal, past_runs
from planner.local.records import SqliteRecords
from planner.local.state import State
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.plan.baseline import Baseline, of_records
from planner.plan.rebuild import Action, Plan, not_by_key
from planner.plan.rebuild import plan as make_plan
from planner.plan.shared import SharedRecords
from planner.ports import Leases, Records, Registry
from planner.schedule.migrate import publish_again, record_again
from planner.schedule.outcome import Outcome
from planner.schedule.run import execute
from planner.schedule.tries import Job

if TYPE_CHECKING:
    from planner.build.pool import Member
    from planner.cli.trusting import Caches, Standing
    from planner.registry.records import PublishedRecords


def built(
    options: argparse.Namespace,
    keys: Keys,
    state: State,
    members: Callable[[], Iterable[Member]],
    published: PublishedRecords | None,
    standing: Standing | None,
    cached: Caches,
) -> tuple[Plan, Outcome, float]:
    """The plan as it was built, how it ended, and its seconds. `members` gives the engines once they have answered.

    Another run may have built something since the first look, so the plan is made anew.
    """
    began, began_at = time.monotonic(), time.time()
    registry = _registry(options)
    builders = builders_of(options, keys, state, members(), registry, cached, options.jobs or default_jobs())
    if standing is not None:
        from planner.cli.trusting import bind_builder

        for name in builders.named:
            bind_builder(standing, name)
    local = SqliteRecords(state.records)
    records: Records = SharedRecords(local, published) if published else local
    graph = keys.made_by.loaded.graph
    usable = _usable(options, keys, builders, published)
    then = of_records(graph, keys, records, usable)
    pushed_to = keys.made_by.loaded.family.registry if options.push else ""
    again = record_again(keys, then, records, builders.first, pushed_to)
    if again:
        note(f"recorded {again} images anew, under keys of the present schema")
    plan, anew = _planned(options, keys, then, usable)
    if options.push and published is not None:
        lost = publish_again(plan, keys, records, registry, published.saw) if registry is not None else 0
        if lost:
            note(f"published {lost} images anew that a clean-up had put away")
        _name_again(plan, keys, published)
    by_key = _by_key(options, keys, state) if registry is not None else None
    if options.only:
        stored = parents_of(plan, keys, then, by_key, option="--only")
    else:
        plan, stored = completed(
            plan, keys, then, by_key if options.push or not by_key else if_told(by_key, warn), note
        )
    keys = with_steps(keys, [image.name for image in plan.building])
    past = past_runs(state.root)
    work = work_of(options, keys, plan, then, builders, past)
    if plan.building:
        note(f"building {len(plan.building)} of {plan.total} with {builders}")
    dockerfiles = {name: node.image.dockerfile for name, node in graph.nodes.items()}
    shown = live.progress(dockerfiles, state.logs, len(plan.building))
    shown.several = len(builders.workers) > 1
    tell_of_the_last(past)
    with contextlib.closing(builders), contextlib.closing(Journal(state.root / NAME)) as journal, shown as listener:
        names = [image.name for image in plan.building]
        if names:
            journal.write("run", pid=os.getpid(), all=options.all, push=options.push, images=names)
        outcome = execute(
            Job(
                plan=plan,
                keys=keys,
                stored=stored,
                builders=builders.named,
                workers=builders.workers,
                records=records,
                listener=reports.watched(options, Journaling(listener, journal)),
                clock=time.time,
                holds=usable,
                leases=_leases(options, published),
                registry=pushed_to,
                keep_going=options.keep_going,
                work=work,
                seconds=local.seconds(),
                anew=anew,
                retries=options.retries,
                interrupts=interrupts.heard,
            )
        )
        if names:
            journal.write("end", interrupted=bool(outcome.interrupted), failed=sorted(outcome.failures))
    present = {(image.name, image.key) for image in plan.images}
    with contextlib.suppress(StateError):  # the next run drops it
        local.drop_unused(present, time.time())
    if not outcome.interrupted and any(one.image.store is Store.LAYOUT for one in outcome.results.values()):
        make_room(options, state, local, present, began_at)
    local.close()
    for warning in dict.fromkeys(published.warnings if published else ()):
        warn(warning)
    return plan, outcome, time.monotonic() - began


def _planned(
    options: argparse.Namespace, keys: Keys, then: Baseline, usable: Callable[[Stored], bool]
) -> tuple[Plan, frozenset[ImageName]]:
    """What is built now that the folder is held: the saved plan, or a new one; and of what its keys say nothing.

    `--only` leaves out why that is so.
    """
    graph = keys.made_by.loaded.graph
    wanted = chosen(options.images, graph)
    if options.plan:
        plan = saved_plan(options, keys)
        anew = not_by_key(plan, keys)
        plan = resumed(plan, then, anew, keys, lambda image: _counts(image, usable, pushed=options.push))
    else:
        plan = make_plan(graph, keys, then, against=AGAINST_RECORDS, wanted=wanted, everything=options.all)
        anew = not_by_key(plan, keys)
    return (only(plan, wanted) if options.only else plan), anew


def _name_again(plan: Plan, keys: Keys, published: PublishedRecords) -> None:
    """Let tags name what is reused where they name another state of it, as after a revert. Raises RegistryError."""
    from planner.cli.published import misnamed
    from planner.registry.naming import name_again

    reused = {
        image.name: image.stored
        for image in plan.images
        if image.action is Action.REUSE and image.stored is not None and is_pushed(image.stored, keys)
    }
    assert published.registry is not None  # noqa: S101 -- who pushes is not offline
    for name, tags in misnamed(published.registry, keys, reused).items():
        name_again(published.registry, reused[name], keys.keys[name], tags)
        note(
            f"{name}: {', '.join(tags)} named another state, and {'names' if len(tags) == 1 else 'name'} this one again"
        )


def _by_key(options: argparse.Namespace, keys: Keys, state: State) -> Callable[[ImageName], Stored | None]:
    from planner.cli.published import named_by_key

    return named_by_key(options, keys, state)


def default_jobs() -> int:
    """Builds at once without `--jobs`: one for each processor, at least four, since much of a build is waiting."""
    return max(os.cpu_count() or 1, 4)


def _registry(options: argparse.Namespace) -> Registry | None:
    """A way to registries, where the command line may need one."""
    if options.offline or not (options.push or options.only or options.plan or options.against):
        return None
    from planner.registry.client import HttpRegistry

    return HttpRegistry()


def _leases(options: argparse.Namespace, published: PublishedRecords | None) -> Leases | None:
    """Leases where something is published, since only then can another run reuse it."""
    if published is None or not options.push or not options.lease:
        return None
    from planner.registry.leases import RegistryLeases

    owner = f"{socket.gethostname()}, process {os.getpid()}"
    return RegistryLeases(published, owner, options.lease, patience=options.lease_wait)


def _usable(
    options: argparse.Namespace, keys: Keys, builders: Builders, published: PublishedRecords | None
) -> Callable[[Stored], bool]:
    """Whether a stored image counts: it is there, this engine can read it, and it is published when that is asked."""

    def holds(image: Stored) -> bool:
        if options.push and not is_pushed(image, keys):
            return False
        return (published is not None and published.saw(image)) or builders.holds(image)

    return holds


def _counts(image: Stored, usable: Callable[[Stored], bool], *, pushed: bool) -> bool:
    """Whether what a saved plan reuses counts. What a registry had is believed where nothing is pushed."""
    return usable(image) if pushed or image.store is not Store.REGISTRY else True
