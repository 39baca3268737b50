"""Tells which files of a workspace define its family, and in whose language they are written. Reads none of them."""

from __future__ import annotations

import enum
import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from planner.model.frozen import dataclass, field
from planner.ports import Tree
from planner.sources.doors.bake import named as bake
from planner.sources.doors.compose import names
from planner.sources.doors.compose.named import is_compose

if TYPE_CHECKING:
    from planner.sources.doors.starlark.engine import Engine


class Door(enum.StrEnum):
    """A language that families are written in."""

    YAML = "images.yaml"
    STARLARK = "images.star"
    BAKE = "Bake"
    COMPOSE = "Compose"


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """The files that define a family, in the order in which they are read, relative to the workspace."""

    door: Door
    files: tuple[str, ...]


BakeReader = Callable[[Sequence[tuple[str, bytes]], Sequence[str], Mapping[str, str]], object]
"""Who gives the document that Bake prints for files with their bytes, overrides, and variables."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a command line and its environment add to the files.

    `variables` are those of `--var`, `sets` the overrides of Bake's `--set`, `profiles` and `env_files` those of
    Compose. `say` takes what a definition prints, line by line; `starlark` evaluates Starlark, `bake` reads Bake files
    in our place.
    """

    environment: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    say: Callable[[str], None] = print
    starlark: Engine | None = None
    bake: BakeReader | None = None


NAMES: Mapping[Door, tuple[str, ...]] = {
    Door.YAML: ("images.yaml",),
    Door.STARLARK: ("images.star",),
    Door.BAKE: bake.NAMES,
    Door.COMPOSE: names.MAIN,
}
"""The names that are looked for, by door, in the order in which doors are tried."""

"""Every name that is looked for: a family is discovered by its Dockerfiles only where none of them is there."""


def found(tree: Tree, environment: Mapping[str, str]) -> Definition | None:
    """The definition of a workspace where none is named: that of the first door that has a file there."""
    return next((one for door in NAMES if (one := _at(tree, door, environment)) is not None), None)


def passed_over(tree: Tree, environment: Mapping[str, str], taken: Door) -> tuple[str, ...]:
    """The files of doors that come after the one that was taken, and would have been taken without it."""
    later = list(NAMES)[list(NAMES).index(taken) + 1 :]
    there = [file for door in later if (one := _at(tree, door, environment)) is not None for file in one.files]
    return tuple(dict.fromkeys(there))


def _at(tree: Tree, door: Door, environment: Mapping[str, str]) -> Definition | None:
    if door is Door.BAKE:
        files = _baked(tree, environment)
    elif door is Door.COMPOSE:
        files = names.found(tree, environment)
    else:
        files = tuple(name for name in NAMES[door] if tree.entry(name) is not None)
    return Definition(door=door, files=files) if files else None


def _baked(tree: Tree, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The files that Bake would read: those that its variable names, else its own, and Compose's beside them."""
    if text := environment.get(bake.FILES, ""):
        return tuple(posixpath.normpath(name) for name in text.split(environment.get(bake.SEPARATOR) or ":"))
    files = tuple(name for name in bake.NAMES if tree.entry(name) is not None)
    return (*(name for name in names.MAIN if tree.entry(name) is not None), *files) if files else ()


def named(files: Sequence[str]) -> Definition:
    """The definition that files make which somebody named; their names tell the language."""
    door = Door.BAKE if any(bake.is_bake(file) for file in files) else door_of(files[0])
    return Definition(door=door, files=tuple(files))


def door_of(file: str) -> Door:
    """The language of a file by its name; `images.yaml`'s where the name tells none."""
    if file.endswith(".star"):
        return Door.STARLARK
    if bake.is_bake(file):
        return Door.BAKE
    return Door.COMPOSE if is_compose(file) else Door.YAML


def is_relative_to_start(file: str) -> bool:
    """Whether paths in this file are relative to where the planner is started, not to the file's own folder."""
    return is_compose(file) or bake.is_bake(file)
