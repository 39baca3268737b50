"""What options of the command line say to one language of graph files alone. A warm plan loads none of it."""

from __future__ import annotations

import argparse
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from planner.errors import UsageError, one_of
from planner.local.named_files import NamedFiles
from planner.ports import Tree
from planner.sources.doors.door import Definition, Door


class Given(dict[str, str]):
    """The variables of `--var`. `asked` are the names that were looked up, whether they are set or not."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a variable."""
        self.asked.add(name)
        return super().get(name, default)


def refuse_undeclared(given: Mapping[str, str], definition: Definition) -> None:
    """Raise UsageError for each variable of `--var` that a definition which declares its variables does not.

    What Starlark and Compose ask for may hang on what else is set, so that one which nobody asked for is no mistake.
    """
    if not isinstance(given, Given) or definition.door not in (Door.YAML, Door.BAKE):
        return
    declared = sorted(name for name in given.asked if name.removesuffix("_JSON") not in given.asked - {name})
    told = [
        f"--var {name}: {', '.join(definition.files)} declares no variable of this name\n"
        f"  {one_of(name, declared) or _declares(declared)}"
        for name in given
        if name not in given.asked
    ]
    if told:
        raise UsageError("\n".join(told))


def _declares(names: Sequence[str]) -> str:
    return f"it declares {', '.join(names)}" if names else "it declares none"


def refuse_unused(options: argparse.Namespace, definition: Definition | None) -> None:
    """Raise UsageError for an option that says nothing to the language that the family is written in."""
    door = None if definition is None else definition.door
    if definition is not None and definition.door in (Door.YAML, Door.STARLARK) and definition.files[1:]:
        raise UsageError(
            f"-f {definition.files[1]}: {definition.files[0]} is a whole family, so nothing is read beside it\n"
            "  several files are for Bake and Compose"
        )
    if definition is None and options.var:
        raise UsageError("--var sets a variable of a graph file, and there is none")
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
