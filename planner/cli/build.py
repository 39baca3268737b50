"""`planner build`: plans, builds what the plan names, in parallel, and records what is stored."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.build.buildx import BuildxBuilder, Folders
from planner.build.engine import find_engine
from planner.cli import arguments as shared
from planner.cli import live, machine, reports
from planner.cli import outcome as told
from planner.cli.dry import dry_run
from planner.cli.family import chosen, folder_of, keys_now, palette, warn
from planner.cli.parents import parents_of, saved_plan
from planner.cli.plan import AGAINST_RECORDS, against_records, state_of
from planner.digest.key import Keys
from planner.digest.older import OLDER
from planner.errors import PlannerError, UsageError
from planner.local.records import SqliteRecords, open_records
from planner.local.state import State
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.plan.baseline import Baseline, of_records
from planner.plan.reasons import Code
from planner.plan.rebuild import Action, Plan, PlannedImage
from planner.plan.rebuild import plan as make_plan
from planner.plan.shared import SharedRecords
from planner.ports import Leases, Records, Registry
from planner.schedule.migrate import record_again
from planner.schedule.run import Job, Outcome, execute
from planner.schedule.states import State as Ended

if TYPE_CHECKING:
    from planner.registry.records import PublishedRecords

INTERRUPTED = 130
MAX_JOBS = 256
MAX_LEASE = 3600

EXAMPLE = "planner build --jobs 4 --keep-going"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.everything(parser)
    parser.add_argument("--plan", metavar="FILE", help="apply a saved plan; refused when its inputs changed since")
    shared.published(parser)
    shared.offline(parser)
    parser.add_argument("--only", action="store_true", help="build no parents: take them as recorded or published")
    parser.add_argument("--push", action="store_true", help="push results by digest, verify, then tag")
    parser.add_argument("--jobs", "-j", type=_jobs, default=0, metavar="N", help="builds at once [processors, min. 4]")
    machine.arguments(parser)
    reports.arguments(parser)
    parser.add_argument("--keep-going", "-k", action="store_true", help="after a failure build all that can be built")
    parser.add_argument(
        "--lease", type=_seconds, default=60.0, metavar="SECONDS", help="for how long others wait for a dead run [60]"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    parser.add_argument(
        "--builder", default="", metavar="ENGINE", help="docker, buildx:NAME or buildkit:ADDRESS [found by itself]"
    )
    parser.add_argument("--no-wait", action="store_true", help="fail when another run holds the state folder")
    shared.state(parser)
    shared.formats(parser, "text", "json")
    shared.images(parser)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"is a number from 1 to {MAX_JOBS}")
    return int(text)


def _seconds(text: str) -> float:
    if not text.isdecimal() or not 0 <= int(text) <= MAX_LEASE:
        raise argparse.ArgumentTypeError(f"is a number from 0 (no leases) to {MAX_LEASE}")
    return float(text)


def run(options: argparse.Namespace) -> int:
    """Plan and build, or apply a saved plan. Gives 0 when everything that was asked for is built or reused."""
    keys = keys_now(options)
    registry = keys.made_by.loaded.family.registry
    reports.place_of_summary(options)
    if options.push and not registry:
        raise PlannerError("--push needs to know where to: give the graph file a registry: field")
    published = _published(options, keys)
    if options.plan:
        plan = saved_plan(options, keys)
    else:
        together = SharedRecords(open_records(state_of(options).root), published) if published else None
        plan = against_records(options, keys, ask_engine=True, shared=together)
    if options.only:
        plan = _only(plan, chosen(options.images, keys.made_by.loaded.graph))
    if options.dry_run:
        print(dry_run(plan, keys, registry if options.push else "", palette()))
        return 0
    for warning in plan.warnings:
        warn(warning)
    if not plan.building and not options.push and not OLDER:
        return _tell(options, plan, Outcome(states={}), 0.0)
    state = state_of(options)
    with state.locked(wait=not options.no_wait, tell=note):
        return _locked(options, keys, state, published)


def _published(options: argparse.Namespace, keys: Keys) -> PublishedRecords | None:
    """The records of a registry where one counts: the one that is pushed to, else the one that is named."""
    if not options.push and not options.against:
        return None
    from planner.cli.published import PUBLISHED, look, open_published, prefix_of

    named = options.against or PUBLISHED
    if options.push and prefix_of(named, keys) != prefix_of(PUBLISHED, keys):
        raise UsageError(f"--push records in {prefix_of(PUBLISHED, keys)}, so --against cannot name another registry")
    if options.push and options.offline:
        raise UsageError("--push asks the registry, so it cannot be --offline")
    state = state_of(options)
    published = open_published(keys, named, state, offline=options.offline)
    seen = look(published, keys, state)
    if options.offline:
        note(f"taking {seen}")
    return published


def _locked(options: argparse.Namespace, keys: Keys, state: State, published: PublishedRecords | None) -> int:
    """The run itself, with the state folder held: another run may have built something since the first look."""
    began = time.monotonic()
    registry = _registry(options)
    builder = builder_of(options, keys, state, registry)
    local = SqliteRecords(state.records)
    records: Records = SharedRecords(local, published) if published else local
    graph = keys.made_by.loaded.graph
    then = of_records(graph, keys, records, _usable(options, builder, published))
    again = record_again(keys, then, records, builder, keys.made_by.loaded.family.registry if options.push else "")
    if again:
        note(f"recorded {again} images anew, under keys of the present schema")
    if options.plan:
        plan = _resumed(saved_plan(options, keys), then)
    else:
        wanted = chosen(options.images, graph)
        plan = make_plan(graph, keys, then, against=AGAINST_RECORDS, wanted=wanted, everything=options.all)
    if options.only:
        plan = _only(plan, chosen(options.images, graph))
    needs, capacity = machine.needs_and_capacity(options, keys, (image.name for image in plan.building))
    stored = parents_of(plan, keys, then, registry)
    if plan.building:
        note(f"building {len(plan.building)} of {plan.total} with {builder.engine}")
    dockerfiles = {name: node.image.dockerfile for name, node in graph.nodes.items()}
    with contextlib.closing(builder), live.progress(dockerfiles, state.logs, len(plan.building)) as listener:
        outcome = execute(
            Job(
                plan=plan,
                keys=keys,
                stored=stored,
                builder=builder,
                records=records,
                listener=listener,
                clock=time.time,
                holds=_usable(options, builder, published),
                leases=_leases(options, published),
                registry=keys.made_by.loaded.family.registry if options.push else "",
                slots=options.jobs or default_jobs(),
                needs=needs,
                capacity=capacity,
                keep_going=options.keep_going,
            )
        )
    local.close()
    for warning in dict.fromkeys(published.warnings if published else ()):
        warn(warning)
    return _tell(options, plan, outcome, time.monotonic() - began)


def default_jobs() -> int:
    """Builds at once without `--jobs`: one for each processor, at least four, since much of a build is waiting."""
    return max(os.cpu_count() or 1, 4)


def _registry(options: argparse.Namespace) -> Registry | None:
    """A way to registries, where the command line may need one."""
    if options.offline or not (options.push or options.only or options.plan or options.against):
        return None
    from planner.registry.client import HttpRegistry

    return HttpRegistry()


def builder_of(options: argparse.Namespace, keys: Keys, state: State, registry: Registry | None) -> BuildxBuilder:
    """The engine that the options name, with its folders below the state folder, which is held."""
    engine = find_engine(options.builder, os.environ, state.run)
    folders = Folders(workspace=folder_of(options).absolute(), run=state.run, logs=state.logs, layout=state.layout)
    return BuildxBuilder(engine, folders, keys.made_by.tree, registry)


def _leases(options: argparse.Namespace, published: PublishedRecords | None) -> Leases | None:
    """Leases where something is published, since only then can another run reuse it."""
    if published is None or not options.push or not options.lease:
        return None
    from planner.registry.leases import RegistryLeases

    return RegistryLeases(published, f"{socket.gethostname()}, process {os.getpid()}", options.lease)


def _usable(
    options: argparse.Namespace, builder: BuildxBuilder, published: PublishedRecords | None
) -> Callable[[Stored], bool]:
    """Whether a stored image counts: it is there, this engine can read it, and it is published when that is asked."""

    def holds(image: Stored) -> bool:
        if options.push and image.store is not Store.REGISTRY:
            return False
        return (published is not None and published.saw(image)) or builder.holds(image)

    return holds


def _resumed(plan: Plan, then: Baseline) -> Plan:
    """A saved plan less what was built since; what is forced or unsure is built whatever was built before."""
    return replace(plan, images=tuple(_unless_built(image, then) for image in plan.images))


def _unless_built(image: PlannedImage, then: Baseline) -> PlannedImage:
    past = then.get(image.name)
    always = any(reason.code in (Code.FORCED, Code.UNSURE) for reason in image.reasons)
    if image.action is Action.REUSE or always or past is None or past.key != image.key or past.stored is None:
        return image
    return replace(image, action=Action.REUSE, reasons=(), stored=past.stored)


def _only(plan: Plan, wanted: frozenset[ImageName]) -> Plan:
    images = tuple(image for image in plan.images if image.name in wanted)
    return replace(plan, images=images, total=len(images))


def _tell(options: argparse.Namespace, plan: Plan, outcome: Outcome, seconds: float) -> int:
    reports.report(options, plan, outcome, seconds)
    if options.format == "json":
        print(told.outcome_json(plan, outcome, seconds))
    else:
        print(told.outcome_text(plan, outcome, seconds, palette()))
    if outcome.interrupted:
        return INTERRUPTED
    return 0 if all(state is Ended.DONE for state in outcome.states.values()) else 1


def note(message: str) -> None:
    """One line on standard error."""
    print(message, file=sys.stderr, flush=True)
