"""Reads the files of a Bake definition out of a workspace into a Family."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from planner.model.image import Family
from planner.ports import Tree
from planner.sources.doors.bake.config import Config
from planner.sources.doors.bake.family import family_of, of_targets
from planner.sources.doors.bake.files import read_files
from planner.sources.doors.bake.printed import targets_of

Reader = Callable[[Sequence[tuple[str, bytes]], Sequence[str], Mapping[str, str]], object]
"""Who gives the printed document for files, overrides and variables."""
MAX_FILE = 8 << 20
"""The longest file, in bytes."""


def read(
    files: Sequence[str],
    tree: Tree,
    environment: Mapping[str, str],
    *,
    variables: Mapping[str, str],
    sets: Sequence[str],
    say: Callable[[str], None],
    other: Reader | None = None,
) -> Family:
    """The family of these files; Compose files among them are read first, as Bake does. `other` reads in our place.

    Raises DefinitionError with all mistakes, InputError.
    """
    if other is not None:
        printed = other([(file, tree.read(file, MAX_FILE)) for file in files], sets, variables)
        return of_targets(files[0], targets_of(printed, files[0]), (), environment, say)
    compose = [file for file in files if file.lower().endswith((".yaml", ".yml"))]
    bake = [file for file in files if file not in compose]
    before = (
        _composed(compose, tree, ChainMap(cast(dict[str, str], variables), cast(dict[str, str], environment)))
        if compose
        else None
    )
    texts = [(file, tree.read(file, MAX_FILE)) for file in bake]
    return family_of((bake or files)[0], read_files(texts, environment, variables, before), sets, environment, say)


def _composed(files: Sequence[str], tree: Tree, environment: Mapping[str, str]) -> Config:
    # Few have both kinds of files, and loading the reader of the other kind takes as long as reading them.
    from planner.sources.doors.bake import from_compose

    return from_compose.read(files, tree, environment)
