"""`planner matrix`: what rebuilds, as a CI matrix for each level of the graph."""

from __future__ import annotations

import argparse

from planner.ci.matrix import matrix_github, matrix_json
from planner.cli import arguments as shared
from planner.cli.plan import plan_of
from planner.cli.saying import say, say_again

EXAMPLE = "planner matrix --since origin/main --format github"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.baseline(parser)
    shared.formats(parser, "github", "json")


def run(options: argparse.Namespace) -> int:
    """Print the matrix."""
    made, keys = plan_of(options)
    loaded = keys.made_by.loaded
    command = ["planner"]
    if options.folder != ".":
        command += ["-C", options.folder]
    if options.file != "images.yaml":
        command += ["-f", options.file]
    command += [word for entry in options.var for word in ("--var", entry)]
    write = matrix_github if options.format == "github" else matrix_json
    out = write(made, loaded.graph, loaded.family, command)
    return say_again(keys, options.since, out) if options.since else say(out)
