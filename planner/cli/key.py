"""`planner key`: the keys of images."""

from __future__ import annotations

import argparse

from planner.cli import arguments as shared
from planner.cli.family import chosen
from planner.cli.recalled import keys_kept
from planner.cli.saying import say_again
from planner.explain import text

EXAMPLE = "planner key base 'cuda*'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="only these (globs)")
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print the keys."""
    found = keys_kept(options)
    graph = found.made_by.loaded.graph
    wanted = chosen(options.images, graph)
    keys = {name: found.keys[name] for name in graph.order if name in wanted}
    if options.format == "json":
        return say_again(found, "", text.keys_json(keys))
    width = max((len(name) for name in keys), default=0)
    return say_again(found, "", "\n".join(f"{name:<{width}}  {value}" for name, value in keys.items()))
