"""`planner query`: the images, externals and files that an expression of Bazel's query language names."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable

from planner.cli.asides import warn
from planner.cli.family import folder_of, load_family
from planner.cli.recalled import narrowed, standing
from planner.cli.since import keys_and_revision
from planner.digest.manifest import Manifests
from planner.digest.reading import files_read
from planner.explain.text import printable
from planner.local.git_tree import worktree
from planner.model.image import ImageName
from planner.plan.rebuild import plan
from planner.query.evaluate import answer
from planner.query.render import OUTPUTS
from planner.query.targets import World

EXAMPLE = "planner query 'rdeps(//..., base) ^ kind(cuda, //...)' --output name"
ORDERS = ("graph", "reverse", "name")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("expression", metavar="EXPR", help="docs/query.md tells the language")
    parser.add_argument("--output", choices=tuple(OUTPUTS), default="label", help="how to answer [label]")
    parser.add_argument(
        "--order",
        choices=ORDERS,
        default="graph",
        help="what is read before what reads it, reverse, or by name [graph]",
    )


def run(options: argparse.Namespace) -> int:
    """Print the targets; references that cannot be told are warned about."""
    tree = worktree(folder_of(options))
    stood = standing(options, tree)
    loaded = load_family(options, tree) if stood is None else stood.facts.loaded

    @functools.cache
    def maker() -> Manifests:
        return narrowed(loaded, tree, loaded.graph.order)

    def affected(revision: str) -> Iterable[ImageName]:
        now, then = keys_and_revision(options, revision)
        wanted = frozenset(loaded.graph.order)
        return [one.name for one in plan(loaded.graph, now, then, against=revision, wanted=wanted).building]

    world = World(graph=loaded.graph, files=lambda name: files_read(maker(), name), affected=affected)
    found = world.ordered(answer(options.expression, world))
    if options.order != "graph":
        found = tuple(sorted(found, key=lambda one: one.name)) if options.order == "name" else found[::-1]
    lines = OUTPUTS[options.output](world, found, options.expression)
    for line in lines:
        print(line if options.output == "json" else printable(line))
    for node in loaded.graph.nodes.values():
        for use in node.unresolved:
            warn(f"{use.span}: {use.role} {use.reference} cannot be told: it is no edge of the graph")
    return 0
