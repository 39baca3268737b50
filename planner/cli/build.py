"""`planner build`: plans, builds what the plan names, in parallel, and records what is stored."""

from __future__ import annotations

import argparse
import importlib
import os
from typing import TYPE_CHECKING

from planner.cli import arguments as shared
from planner.cli import machine, reports
from planner.cli import outcome as told
from planner.cli.asides import palette, warn
from planner.cli.family import chosen, folder_of, keys_now
from planner.cli.outcome import note
from planner.cli.plan import against_records, state_of
from planner.cli.recalled import keys_kept, with_steps
from planner.digest.key import Keys
from planner.digest.older import OLDER
from planner.errors import PlannerError, UsageError
from planner.local.records import open_records
from planner.model.build import Store
from planner.plan.rebuild import Plan
from planner.plan.shared import SharedRecords
from planner.schedule.outcome import Outcome
from planner.schedule.states import State as Ended

if TYPE_CHECKING:
    from planner.cli.trusting import Caches, Standing
    from planner.registry.records import PublishedRecords

ENDED_BY = 128
"""The exit status of what a signal ended, less the signal's number."""
MAX_JOBS = 256
MAX_LEASE = 3600
MAX_RETRIES = 20
MAX_TIME = 7 * 24 * 3600
UNITS = {"s": 1, "m": 60, "h": 3600}

EXAMPLE = "planner build --jobs 4 --keep-going"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.everything(parser)
    parser.add_argument("--plan", metavar="FILE", help="apply a saved plan; refused when its inputs changed since")
    shared.published(parser)
    shared.offline(parser)
    parser.add_argument("--only", action="store_true", help="build no parents: take them as recorded or published")
    parser.add_argument("--push", action="store_true", help="push results by digest, verify, then tag")
    parser.add_argument(
        "--jobs", "-j", type=_jobs, default=0, metavar="N", help="builds at once on each builder [processors, min. 4]"
    )
    machine.arguments(parser)
    reports.arguments(parser)
    parser.add_argument("--keep-going", "-k", action="store_true", help="after a failure build all that can be built")
    parser.add_argument("--retries", type=_retries, default=2, metavar="N", help="after passing failures only [2]")
    what = "stop an image's build after so long: 90, 90s, 30m, 2h [no limit]"
    parser.add_argument("--timeout-per-image", type=_time, default=0.0, metavar="TIME", help=what)
    what = "what images in .planner/store may take, those unused for longest go: 20GB [no limit]"
    parser.add_argument("--keep-bytes", type=shared.size, default=0, metavar="SIZE", help=what)
    parser.add_argument("--resume", action="store_true", help="build what the last run wanted and did not get to")
    parser.add_argument(
        "--lease", type=_seconds, default=60.0, metavar="SECONDS", help="for how long others wait for a dead run [60]"
    )
    parser.add_argument(
        "--lease-wait", type=_seconds, default=3600.0, metavar="SECONDS", help="the longest wait for another run [3600]"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    what = "docker, buildx:NAME, pool:NAME or buildkit:ADDRESS, several with their weights: A,B=2 [found by itself]"
    parser.add_argument("--builder", default="", metavar="ENGINE", help=what)
    shared.allow(parser)
    shared.trust(parser)
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


def _retries(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_RETRIES:
        raise argparse.ArgumentTypeError(f"is a number from 0 to {MAX_RETRIES}")
    return int(text)


def _time(text: str) -> float:
    number, unit = (text[:-1], text[-1:]) if text[-1:] in UNITS else (text, "s")
    if not number.isdecimal() or not 1 <= int(number) * UNITS[unit] <= MAX_TIME:
        raise argparse.ArgumentTypeError("is a time of at least a second and at most a week: 90, 90s, 30m, 2h")
    return float(int(number) * UNITS[unit])


def run(options: argparse.Namespace) -> int:
    """Plan and build, or apply a saved plan. Gives 0 when everything that was asked for is built or reused."""
    if options.resume and (options.plan or options.all):
        raise UsageError("--resume builds what the last run did not get to: leave out --plan and --all")
    if options.dry_run:
        told = dict.fromkeys(("format", "summary", "gantt", "junit", "trace"), "a build")
        shared.refuse_foreign(options, arguments, "--dry-run", told)
    if options.plan:
        from planner.cli.parents import refuse_beside_plan  # a build without changes waits for nothing it does not use

        refuse_beside_plan(options, "all")
    keys = keys_kept(options)
    if options.resume:
        _take_up(options, keys)
    reports.place_of_summary(options)
    standing, cached, published = _allowed(options, keys)
    if options.plan:
        from planner.cli.parents import saved_plan  # a build without changes waits for nothing that it does not use

        plan = saved_plan(options, keys)
    else:
        together = SharedRecords(open_records(state_of(options).root), published) if published else None
        plan = against_records(options, keys, ask_engine=True, shared=together)
    if options.only:
        from planner.cli.parents import only

        plan = only(plan, chosen(options.images, keys.made_by.loaded.graph))
    if options.dry_run:
        from planner.cli.dry import dry_run

        keys = with_steps(keys, [image.name for image in plan.building])
        print(dry_run(plan, keys, _pushed_to(options, keys), palette(), cached))
        return 0
    for warning in plan.warnings:
        warn(warning)
    if not plan.building and not options.push and not OLDER and not (options.plan and _may_be_gone(options, plan)):
        return _tell(options, plan, Outcome(states={}), 0.0)
    if plan.building and not options.keep_going:
        from planner.cli.allowing import refuse_unallowed  # a build without changes waits for nothing it does not use

        refuse_unallowed(options, keys, [image.name for image in plan.building])
    state = state_of(options)
    waited: list[str] = []

    def waiting(why: str) -> None:
        waited.append(why)
        note(why)

    with state.locked(wait=not options.no_wait, tell=waiting):
        from planner.build.pool import find_ahead

        # The engine answers while all else that a build needs is loaded and read.
        members = find_ahead(options.builder, os.environ, state.run, state.builders, push=options.push, warn=warn)
        building = importlib.import_module("planner.cli.building")
        if waited:  # Much may have been edited since, also where it is pushed to.
            keys = keys_now(options)
            standing, cached, published = _allowed(options, keys)
        plan, outcome, seconds = building.built(options, keys, state, members, published, standing, cached)
    return _tell(options, plan, outcome, seconds)


def _may_be_gone(options: argparse.Namespace, plan: Plan) -> bool:
    """Whether something that a saved plan reuses here is not known to be there still."""
    from planner.build.layout import Layout

    layout = Layout(state_of(options).layout)
    stored = (image.stored for image in plan.images if image.stored is not None)
    return any(
        image.store is Store.ENGINE or (image.store is Store.LAYOUT and not layout.holds(image.digest))
        for image in stored
    )


def _take_up(options: argparse.Namespace, keys: Keys) -> None:
    from planner.cli.journaling import taken_up
    from planner.local.journal import past_runs

    graph = keys.made_by.loaded.graph
    options.images, options.all = taken_up(past_runs(state_of(options).root), options.images, graph.order)


def _pushed_to(options: argparse.Namespace, keys: Keys) -> str:
    return keys.made_by.loaded.family.registry if options.push else ""


def _allowed(options: argparse.Namespace, keys: Keys) -> tuple[Standing | None, Caches, PublishedRecords | None]:
    """What this run may do with the family as it is now, and the registry whose records count. Raises PlannerError."""
    if options.push and not keys.made_by.loaded.family.registry:
        raise PlannerError("--push needs to know where to: give the graph file a registry: field")
    standing, cached = _granted(options, keys, _pushed_to(options, keys))
    return standing, cached, _published(options, keys)


def _granted(options: argparse.Namespace, keys: Keys, push: str) -> tuple[Standing | None, Caches]:
    """This run under its policy, and the layer caches that it is granted. Loads trust only where one is in force."""
    asked = options.policy or options.cache_to or options.cache == "policy"
    if not asked and not shared.policy_stands_in(folder_of(options)):
        return None, {}
    found: tuple[Standing | None, Caches] = importlib.import_module("planner.cli.trusting").granted(options, keys, push)
    return found


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
    published = open_published(options, keys, named, state, offline=options.offline, write=options.push)
    seen = look(published, keys, state)
    if options.offline:
        note(f"taking {seen}")
    return published


def _tell(options: argparse.Namespace, plan: Plan, outcome: Outcome, seconds: float) -> int:
    try:
        if options.format == "json":
            print(told.outcome_json(plan, outcome, seconds))
        else:
            print(told.outcome_text(plan, outcome, seconds, palette()))
    finally:  # Neither is lost to the other.
        reports.report(options, plan, outcome, seconds)
    if outcome.interrupted:
        return ENDED_BY + outcome.interrupted
    return 0 if all(state is Ended.DONE for state in outcome.states.values()) else 1
