"""`planner history`: how long the builds that are recorded here took, by image, with their trend."""

from __future__ import annotations

import argparse
import fnmatch

from planner.cli import arguments as shared
from planner.cli.plan import state_of
from planner.cli.saying import say
from planner.errors import PlannerError, one_of
from planner.explain.history import history_json, history_text, pasts
from planner.local.records import open_records

EXAMPLE = "planner history 'cuda*'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="only these (globs), also such as are gone")
    shared.state(parser)
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print what the records tell. Failed builds are not recorded, and one key that was built twice counts once."""
    built = open_records(state_of(options).root).history()
    if options.images:
        names = {one.image for one in built}
        if nothing := [glob for glob in options.images if not fnmatch.filter(names, glob)]:
            known = f"there are records of {', '.join(sorted(names))}" if names else "there are no records here yet"
            hint = one_of(nothing[0], sorted(names)) or known
            raise PlannerError(f"nothing is recorded of {', '.join(nothing)}\n  {hint}")
        built = [one for one in built if any(fnmatch.fnmatchcase(one.image, glob) for glob in options.images)]
    found = pasts(built)
    return say(history_json(found) if options.format == "json" else history_text(found))
