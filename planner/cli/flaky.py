"""`planner flaky`: builds images twice without any cache, and says in what they do not come out equal."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace

from planner.build.buildx import BuildxBuilder
from planner.build.compare import Difference, differences
from planner.build.layout import Incomplete
from planner.cli import arguments as shared
from planner.cli.allowing import refuse_unallowed
from planner.cli.builders import builder_of
from planner.cli.family import chosen, keys_now
from planner.cli.outcome import note
from planner.cli.parents import parents_of
from planner.cli.plan import state_of
from planner.cli.saying import say
from planner.digest.key import Keys
from planner.errors import BuilderError, StateError, UsageError
from planner.explain.text import printable
from planner.local.records import SqliteRecords
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.plan.baseline import of_records
from planner.plan.rebuild import plan as make_plan
from planner.ports import BuildFailed
from planner.schedule.requests import request_of

EXAMPLE = "planner flaky base"
UNEQUAL = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="names or globs")
    parser.add_argument(
        "--builder", default="", metavar="ENGINE", help="buildx:NAME or buildkit:ADDRESS [found by itself]"
    )
    shared.allow(parser)
    shared.state(parser)
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Build each image twice over parents that were built before, and compare; 3 when one does not come out equal."""
    keys = keys_now(options)
    graph = keys.made_by.loaded.graph
    wanted = chosen(options.images, graph)
    state = state_of(options)
    allowed = refuse_unallowed(options, keys, wanted)
    found: dict[ImageName, tuple[Difference, ...]] = {}
    with state.locked(wait=True, tell=note):
        builder = builder_of(options, keys, state, allowed=allowed)
        if builder.engine.store is not Store.LAYOUT:
            raise UsageError("a Docker Engine keeps no layers to compare: name another builder, --builder buildx:NAME")
        records = SqliteRecords(state.records)
        then = of_records(graph, keys, records, builder.holds)
        plan = make_plan(graph, keys, then, against="", wanted=wanted, everything=True)
        alone = replace(plan, images=tuple(image for image in plan.images if image.name in wanted))
        with contextlib.closing(builder):
            for name in (name for name in graph.order if name in wanted):
                one = replace(alone, images=tuple(image for image in alone.images if image.name == name))
                stored = parents_of(one, keys, then, None)
                note(f"{name}: building twice without cache")
                found[name] = _twice(builder, keys, name, stored)
        records.close()
    status = UNEQUAL if any(found.values()) else 0
    return say(_json(found) if options.format == "json" else _text(found), status=status)


def _twice(
    builder: BuildxBuilder, keys: Keys, name: ImageName, stored: Mapping[ImageName, Stored]
) -> tuple[Difference, ...]:
    request = replace(request_of(keys, name, stored, registry=""), no_cache=True)
    try:
        one, other = (builder.build(request, lambda _: None).image.digest for _ in range(2))
        return differences(builder.layout, one, other)
    except BuildFailed as failure:
        raise BuilderError(f"{name}: {failure.step}: {failure.message}") from failure
    except (Incomplete, OSError, ValueError, KeyError) as error:
        raise StateError(f"{name}: the built images cannot be compared: {error}") from error


def _text(found: Mapping[ImageName, tuple[Difference, ...]]) -> str:
    lines: list[str] = []
    for name, told in found.items():
        lines.append(f"{name}  {'comes out unequal' if told else 'comes out equal'}")
        step = ""
        for one in told:
            if one.step and one.step != step:
                step = one.step
                lines.append(f"  {printable(step)}")
            place = f"{printable(one.path)}: " if one.path else ""
            values = f": {printable(one.one[:80])} / {printable(one.other[:80])}" if one.one or one.other else ""
            lines.append(f"    {place}{printable(one.what)}{values}")
    return "\n".join(lines)


def _json(found: Mapping[ImageName, tuple[Difference, ...]]) -> str:
    images = [
        {
            "name": name,
            "equal": not told,
            "differences": [
                {"step": one.step, "path": one.path, "what": one.what, "values": [one.one, one.other]} for one in told
            ],
        }
        for name, told in found.items()
    ]
    return json.dumps({"version": 1, "images": images}, indent=2)
