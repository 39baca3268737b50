"""Tells which files of a workspace define its family, and in whose language they are written. Reads none of them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.ports import Tree
from planner.sources.doors.compose import names
from planner.sources.doors.compose.named import is_compose

if TYPE_CHECKING:
    from planner.sources.doors.starlark.engine import Engine


class Door(enum.StrEnum):
    """A language that families are written in."""

    YAML = "images.yaml"
    STARLARK = "images.star"
    COMPOSE = "Compose"


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """The files that define a family, in the order in which they are read, relative to the workspace."""

    door: Door
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a command line and its environment add to the files.

    `variables` are those of `--var`, `sets` the overrides of Bake's `--set`, `profiles` and `env_files` those of
    Compose. `say` takes what a definition prints, line by line; `starlark` evaluates Starlark.
    """

    environment: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    say: Callable[[str], None] = print
    starlark: Engine | None = None


NAMES: Mapping[Door, tuple[str, ...]] = {
    Door.YAML: ("images.yaml",),
    Door.STARLARK: ("images.star",),
    Door.COMPOSE: names.MAIN,
}
"""The names that are looked for, by door, in the order in which doors are tried."""

ALL_NAMES = tuple(name for names in NAMES.values() for name in names)
"""Every name that is looked for: a family is discovered by its Dockerfiles only where none of them is there."""


def found(tree: Tree, environment: Mapping[str, str]) -> Definition | None:
    """The definition of a workspace where none is named: that of the first door that has a file there."""
    return next((one for door in NAMES if (one := _at(tree, door, environment)) is not None), None)


def _at(tree: Tree, door: Door, environment: Mapping[str, str]) -> Definition | None:
    if door is Door.COMPOSE:
        files = names.found(tree, environment)
    else:
        files = tuple(name for name in NAMES[door] if tree.entry(name) is not None)
    return Definition(door=door, files=files) if files else None


def named(files: Sequence[str]) -> Definition:
    """The definition that files make which somebody named; their names tell the language."""
    return Definition(door=door_of(files[0]), files=tuple(files))


def door_of(file: str) -> Door:
    """The language of a file by its name; `images.yaml`'s where the name tells none."""
    if file.endswith(".star"):
        return Door.STARLARK
    return Door.COMPOSE if is_compose(file) else Door.YAML


def is_relative_to_start(file: str) -> bool:
    """Whether paths in this file are relative to where the planner is started, not to the file's own folder."""
    return is_compose(file)
