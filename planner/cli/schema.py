"""`planner schema`: the JSON Schemas of all documents, and that of `images.yaml` for editors."""

from __future__ import annotations

import argparse
import json
from importlib.resources import files

from planner.errors import PlannerError, one_of

EXAMPLE = "planner schema images > .images.schema.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    known = ", ".join(names())
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"one of {known} [all, in one document by name]")


def names() -> list[str]:
    """The names of all schemas."""
    found = (entry.name for entry in files("planner").joinpath("schemas").iterdir())
    return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))


def run(options: argparse.Namespace) -> int:
    """Print one schema, or all of them."""
    if options.name is None:
        print(json.dumps({name: json.loads(_text(name)) for name in names()}, indent=2))
        return 0
    if options.name not in names():
        hint = one_of(options.name, names()) or f"there are {', '.join(names())}"
        raise PlannerError(f'there is no schema "{options.name}"\n  {hint}')
    print(_text(options.name), end="")
    return 0


def _text(name: str) -> str:
    return files("planner").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
