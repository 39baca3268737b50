"""`planner graph`: the images and what they read from one another."""

from __future__ import annotations

import argparse

from planner.cli import arguments as shared
from planner.cli.family import folder_of, load_family, warn
from planner.explain import pictures, text
from planner.local.git_tree import worktree

EXAMPLE = "planner graph --format mermaid"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.formats(parser, "text", "json", "dot", "mermaid")


def run(options: argparse.Namespace) -> int:
    """Print the graph; references that cannot be told are warned about."""
    found = load_family(options, worktree(folder_of(options))).graph
    draw = {"text": pictures.tree, "json": text.graph_json, "dot": pictures.dot, "mermaid": pictures.mermaid}
    print(draw[options.format](found))
    for name in found.order:
        for use in found.nodes[name].unresolved:
            reason = getattr(use.origin, "reason", "")
            warn(f"{use.span}: {use.role} {use.reference}: {reason}")
    return 0
