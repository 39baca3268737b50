"""Turns the files of a definition into a Family, each door by its own reader.

A reader is loaded when its door is opened: a warm plan opens none, and would pay for all of them.
"""

from __future__ import annotations

from collections import ChainMap
from typing import cast

from planner.errors import InputError
from planner.model.entry import MODE_FOLDER, MODE_LINK
from planner.model.image import Family
from planner.ports import Tree
from planner.sources.doors.door import Asked, Definition, Door

MAX_FILE = 8 << 20
"""The longest file, in bytes, that a definition may have."""


def read(definition: Definition, tree: Tree, asked: Asked) -> Family:
    """The family that a definition makes, without its lock. Raises DefinitionError with all mistakes, InputError."""
    for file in definition.files:
        _refuse_no_file(file, tree)
    match definition.door:
        case Door.YAML:
            from planner.sources import yaml_file

            (file, *_) = definition.files
            return yaml_file.read(tree.read(file, MAX_FILE), file, asked.environment, asked.variables)
        case Door.STARLARK:
            from planner.sources.doors.starlark import family as starlark

            (file, *_) = definition.files
            return starlark.read(file, tree, asked)
        case Door.BAKE:
            from planner.sources.doors.bake import read as bake

            return bake.read(
                definition.files,
                tree,
                asked.environment,
                variables=asked.variables,
                sets=asked.sets,
                say=asked.say,
                other=asked.bake,
            )
        case Door.COMPOSE:
            from planner.sources.doors.compose import family as compose

            environment = ChainMap(cast(dict[str, str], asked.variables), cast(dict[str, str], asked.environment))
            return compose.read(definition.files, tree, environment, env_files=asked.env_files, profiles=asked.profiles)


def _refuse_no_file(file: str, tree: Tree) -> None:
    """Raise InputError for a folder, and for a link: a tree follows none."""
    found = tree.entry(file)
    if found is not None and found.mode == MODE_FOLDER:
        raise InputError(f"{file}: is a folder, and no graph file\n  -C works in a folder, -f names a file")
    if found is not None and found.mode == MODE_LINK:
        raise InputError(
            f"{file}: is a symbolic link, and graph files are read from no link\n  put the file itself here"
        )
