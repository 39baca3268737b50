"""What the builds of a plan need and what this machine has of it, from the graph file's kinds and the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from planner.digest.key import Keys
from planner.errors import PlannerError
from planner.model.image import ImageName
from planner.schedule.resources import Amounts, amounts, capacity, never


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--resources`."""
    what = "what there is, on each builder: cpu=8,memory=16GB,disk=100GB,gpu=1 [no limits]"
    parser.add_argument("--resources", type=_resources, default="", metavar="NAME=AMOUNT,…", help=what)


def _resources(text: str) -> str:
    """Amounts that can be read: they are wanted late, when an engine was looked for."""
    try:
        capacity(text)
    except PlannerError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--resources: ")) from error
    return text


def capacity_of(options: argparse.Namespace) -> Amounts:
    """What each builder has. Raises PlannerError."""
    return capacity(options.resources)


def needs_of(options: argparse.Namespace, keys: Keys, names: Iterable[ImageName]) -> dict[ImageName, Amounts]:
    """The resources of each image that needs some.

    Raises PlannerError for amounts that cannot be read, and where an image needs more than there is of something.
    """
    have = capacity(options.resources)
    loaded = keys.made_by.loaded
    by_kind = {
        kind: amounts(defaults.resources, f"{loaded.family.file}: kinds.{kind}.resources")
        for kind, defaults in loaded.family.kinds
    }
    found: dict[ImageName, Amounts] = {}
    short: list[str] = []
    for name in names:
        need = by_kind.get(loaded.graph.nodes[name].kind.value)
        if need:
            found[name] = need
            if too_much := never(need, have):
                short.append(f"  {name} needs {too_much}")
    if short:
        told = "\n".join(short)
        raise PlannerError(f"these can never be built with --resources {options.resources}\n{told}")
    return found
