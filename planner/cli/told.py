"""Narrows a family with open references to what can be told of it, and says what is left out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from planner.cli.asides import said_so_far, say_aside, warning
from planner.cli.family import chosen
from planner.errors import DefinitionError, PlannerError
from planner.ports import Tree
from planner.sources.loaded import LoadedFamily
from planner.sources.told import expect_told, open_images, without_open

NAMED = 10
"""Images that a warning names."""
TAKE_NAMES = frozenset({"build", "key", "matrix", "plan", "watch"})
"""Commands that would answer for images that somebody names."""


def told_part(options: argparse.Namespace, loaded: LoadedFamily, tree: Tree, *, past: bool) -> LoadedFamily:
    """All that can be told, where that is enough for the images that are named; says what is left out.

    Of a `past` that is compared with it always is: a plan says of each other image why it is built. Raises
    DefinitionError with what is open above the images that are asked for.
    """
    if past:
        return without_open(loaded, tree)
    named: list[str] = getattr(options, "images", []) or _planned(options, loaded)
    try:
        expect_told(loaded, chosen(named, loaded.graph), whole=not named or "*" in named)
    except DefinitionError:
        if not named and options.command in TAKE_NAMES:
            _say_that_names_help(options.command, len(loaded.graph.order) - len(open_images(loaded)))
        raise
    found = without_open(loaded, tree)
    if not (out := list(found.untold)):
        return found  # What is missing was said when the family was read.
    what = "1 image" if len(out) == 1 else f"{len(out)} images"
    message = warning(f"{what} cannot be judged: {_some(out)} (planner graph says why)")
    if message not in said_so_far:  # A watch looks again and again.
        say_aside(message)
    return found


def _planned(options: argparse.Namespace, loaded: LoadedFamily) -> list[str]:
    """The images of a saved plan that is applied; of one that cannot be read none, which is told later."""
    if not getattr(options, "plan", ""):
        return []
    from planner.cli.parents import MAX_PLAN  # few commands apply one
    from planner.plan import plan_file

    try:
        with open(options.plan, "rb") as stream:
            names = [image.name for image in plan_file.read(stream.read(MAX_PLAN), options.plan).images]
    except (OSError, PlannerError):
        return []
    return [name for name in names if name in loaded.graph.nodes]


def _say_that_names_help(command: str, rest: int) -> None:
    if rest:
        what = "1 image is" if rest == 1 else f"{rest} images are"
        say_aside(f"planner: {what} reached by none of this: planner {command} NAME answers for such")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
