"""What options of the command line say to one language of graph files alone. A warm plan loads none of it."""

from __future__ import annotations

import argparse
import posixpath
from pathlib import Path

from planner.errors import UsageError
from planner.local.named_files import NamedFiles
from planner.ports import Tree
from planner.sources.doors.door import Definition, Door


def refuse_unused(options: argparse.Namespace, definition: Definition | None) -> None:
    """Raise UsageError for an option that says nothing to the language that the family is written in."""
    door = None if definition is None else definition.door
    of_bake = (("--set", options.set), ("--via-buildx", options.via_buildx))
    of_compose = (("--profile", options.profile), ("--env-file", options.env_file))
    for needed, asked_for in ((Door.BAKE, of_bake), (Door.COMPOSE, of_compose)):
        for option in (option for option, given in asked_for if given and door is not needed):
            read = f"the family is read from {door}" if door is not None else "there is no graph file of any kind"
            raise UsageError(f"{option} is for {needed} files, and {read}")


def with_env_files(options: argparse.Namespace, folder: Path, tree: Tree) -> Tree:
    """The tree with the files of `--env-file` that it lacks, as they are on disk: git may ignore them."""
    return NamedFiles(tree, folder, env_files(options)) if options.env_file else tree


def env_files(options: argparse.Namespace) -> tuple[str, ...]:
    """The files of `--env-file`, relative to the workspace."""
    return tuple(posixpath.normpath(file) for file in options.env_file)
