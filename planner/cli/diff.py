"""`planner diff`: what would rebuild between two states, over all images, and which images came or went."""

from __future__ import annotations

import argparse

from planner.cli import arguments as shared
from planner.cli import states
from planner.cli.asides import palette
from planner.cli.family import chosen
from planner.cli.saying import say
from planner.explain import text
from planner.explain.causes import plan_text
from planner.plan.rebuild import plan as make_plan

EXAMPLE = "planner diff v1.2 HEAD"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("from_", type=shared.named, metavar="A", help=f"the earlier state: {states.FORMS}")
    what = "the later state [WORKTREE]"
    parser.add_argument("to", type=shared.named, metavar="B", nargs="?", default=states.WORKTREE, help=what)
    # With a default, argparse does not say that some are required.
    parser.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="only these (globs)")
    shared.state(parser)
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print the plan from one state to the other."""
    earlier, later = states.compared(options)
    graph = later.keys.made_by.loaded.graph
    wanted = chosen(options.images, graph)
    plan = make_plan(graph, later.keys, earlier.baseline, against=f"{earlier.name} → {later.name}", wanted=wanted)
    if options.format == "json":
        return say(text.plan_json(plan))
    there = graph.nodes.keys() | later.keys.made_by.loaded.untold.keys()
    gone = sorted(name for name in earlier.baseline if name not in there)
    lines = [plan_text(plan, palette())]
    if gone:
        lines.append(f"no longer in the graph: {', '.join(gone)}")
    return say("\n".join(lines))
