"""`planner plan`: what would rebuild, and why: against local records, a registry or a git revision. Needs no engine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from planner.cli import arguments as shared
from planner.cli.asides import palette
from planner.cli.family import chosen, folder_of
from planner.cli.recalled import keys_kept
from planner.cli.saying import say, say_again
from planner.cli.since import keys_and_revision
from planner.digest.key import Keys
from planner.digest.trace import covers
from planner.explain import text
from planner.explain.causes import plan_text
from planner.explain.floating import floats
from planner.model.frozen import replace
from planner.plan.baseline import of_records
from planner.plan.rebuild import Plan
from planner.plan.rebuild import plan as make_plan

# A plan against a revision waits for nothing that it does not use.
if TYPE_CHECKING:
    from collections.abc import Callable

    from planner.local.state import State
    from planner.model.build import Stored
    from planner.ports import Records

SOMETHING_REBUILDS = 3
AGAINST_RECORDS = "the local records"

EXAMPLE = "planner plan --since origin/main --exit-code"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.baseline(parser)
    shared.formats(parser, "text", "json", "markdown")
    parser.add_argument(
        "--out", type=shared.saved_to, metavar="FILE", help="save the plan, for planner build --plan FILE"
    )
    shared.trace(parser)
    parser.add_argument("--exit-code", action="store_true", help="exit with 3 when something would rebuild")


def run(options: argparse.Namespace) -> int:
    """Print the plan, and save it when asked to."""
    began = _tracing() if options.trace else 0.0
    made, keys = plan_of(options)
    if options.trace:
        _trace(made, began)
    if options.out:
        save(made, keys, options)
    out = _written(made, options.format)
    warnings = made.warnings if options.format == "text" else ()
    if options.format == "text" or options.offline:
        warnings = (*warnings, *floats(keys, everything=options.offline))
    status = SOMETHING_REBUILDS if options.exit_code and made.building else 0
    if options.since and not options.out and not options.trace and not options.policy:
        return say_again(keys, options.since, out, warnings, status)
    return say(out, warnings, status)


def _tracing() -> float:
    """When a plan begins that is traced. Raises PlannerError where no trace can be sent."""
    import time

    from planner.cli import tracing

    tracing.require()
    return time.time()


def _trace(made: Plan, began: float) -> None:
    import time

    from planner.cli import tracing
    from planner.cli.asides import warn

    if failed := tracing.send(tracing.of_plan(made, began, time.time())):
        warn(failed)


def _written(made: Plan, form: str) -> str:
    if form == "json":
        return text.plan_json(made)
    if form == "markdown":
        from planner.explain.markdown import plan_markdown

        return plan_markdown(made)
    return plan_text(made, palette())


def plan_of(options: argparse.Namespace) -> tuple[Plan, Keys]:
    """The plan that the options of `plan` and `matrix` ask for, and the keys behind it."""
    if getattr(options, "policy", "") and not options.against:  # Records of a registry alone are believed or not.
        from planner.cli.policy import policy_of

        policy_of(options)
    if options.since:
        now, then = keys_and_revision(options, options.since)
        graph = now.made_by.loaded.graph
        wanted = chosen(options.images, graph)
        made = make_plan(graph, now, then, against=options.since, wanted=wanted, everything=options.all)
        return made, now
    if options.against:
        return against_registry(options)
    now = keys_kept(options)
    return against_records(options, now), now


def against_registry(options: argparse.Namespace) -> tuple[Plan, Keys]:
    """The plan against what a registry has by key, whatever was built here, and the keys behind it."""
    # Loading what speaks with registries takes longer than a plan that needs none.
    from planner.cli.published import ask_ahead, look, open_published, with_names

    state = state_of(options)
    ahead = None if options.offline else ask_ahead(options.against, state)
    now = keys_kept(options)
    published = open_published(options, now, options.against, state, offline=options.offline, ahead=ahead)
    against = look(published, now, state)
    graph = now.made_by.loaded.graph
    then = of_records(graph, now, published, lambda _: True)
    if options.push:
        then = with_names(then, published, now)
    wanted = chosen(options.images, graph)
    made = make_plan(graph, now, then, against=against, wanted=wanted, everything=options.all)
    return replace(made, warnings=(*made.warnings, *published.warnings)), now


def against_records(
    options: argparse.Namespace, now: Keys, *, ask_engine: bool = False, shared: Records | None = None
) -> Plan:
    """The plan against what was built here before, as far as can be told without a network.

    Without `ask_engine`, an image that a Docker Engine keeps is believed to be there still. `shared` are records to
    take in place of the local ones.
    """
    from planner.build.layout import Layout
    from planner.local.records import open_records
    from planner.model.build import Store

    graph = now.made_by.loaded.graph
    wanted = chosen(options.images, graph)
    state = state_of(options)
    layout = Layout(state.layout)
    in_engine = _in_engine()

    def holds(image: Stored) -> bool:
        if options.push and not is_pushed(image, now):
            return False
        if ask_engine and image.store is Store.ENGINE:
            return in_engine(image)
        return image.store is not Store.LAYOUT or layout.holds(image.digest)

    then = of_records(graph, now, shared or open_records(state.root), holds)
    return make_plan(graph, now, then, against=AGAINST_RECORDS, wanted=wanted, everything=options.all)


def _in_engine() -> Callable[[Stored], bool]:
    """Gives whether the Docker Engine keeps an image. One that does not answer is asked once, and keeps none.

    Whoever builds then may well do so elsewhere; if not, the builder is found not to answer.
    """
    silent = False

    def keeps(image: Stored) -> bool:
        nonlocal silent
        from planner.build.docker_engine import image_id
        from planner.errors import BuilderError

        if silent:
            return False
        try:
            return image_id(image.repository) == image.digest
        except BuilderError:
            silent = True
            return False

    return keeps


def is_pushed(image: Stored, keys: Keys) -> bool:
    """Whether an image is where the family is pushed to, not in a registry or path that it was pushed to before."""
    from planner.model.build import Store

    place = f"{keys.made_by.loaded.family.registry}/"
    is_there = image.store is Store.REGISTRY and image.repository.startswith(place)
    return is_there and image.repository.removeprefix(place) in keys.keys


def state_of(options: argparse.Namespace) -> State:
    """The state folder that the options name; without any, `.planner` beside the graph file.

    Raises StateError for one that came with the repository's files.
    """
    from pathlib import Path

    from planner.local.committed import expect_own
    from planner.local.state import State

    place = (Path(options.state) if options.state else folder_of(options) / ".planner").absolute()
    expect_own(str(place))
    return State(place)


def save(made: Plan, keys: Keys, options: argparse.Namespace) -> None:
    """Write a plan to the file of `--out`, never half written; warn where an image is built from that file too."""
    from pathlib import Path

    from planner.cli.asides import warn
    from planner.cli.output import write
    from planner.local.committed import expect_own
    from planner.local.state import NAME, State

    place = Path(options.out).absolute()
    if place.parent.name == NAME:
        expect_own(str(place.parent))
        State(place.parent).prepare()
    write(text.plan_json(made), options.out)
    root, folder = folder_of(options).resolve(), place.parent.resolve()
    if not folder.is_relative_to(root) or NAME in place.parts:
        return
    if not _may_be_read(keys, (folder / place.name).relative_to(root).as_posix()):
        return
    now = keys_kept(options).keys
    if changed := [image.name for image in made.images if now.get(image.name) != image.key]:
        more = f" and {len(changed) - 1} more" if changed[1:] else ""
        why = f"{options.out}: {changed[0]}{more} is built from this file, so the plan no longer holds"
        warn(f"{why}\n  save it as {NAME}/plan.json, which is part of no context")


def _may_be_read(keys: Keys, path: str) -> bool:
    """Whether a file at a path could change a key: where nobody traced what defines the family, any could."""
    facts = keys.facts
    if facts.definition is None:
        return True
    return any(covers(trace, path) for trace in (facts.definition, *facts.traces.values()))
