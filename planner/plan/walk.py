"""Turns a row of trees into the keys of their families, thinking only of what no earlier tree had."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from planner.digest.key import Keys, Known, keys_of
from planner.digest.trace import agrees
from planner.errors import PlannerError
from planner.model.image import Family
from planner.ports import Tree
from planner.sources import lock_file, yaml_file
from planner.sources.dockerfile.syntax import Dockerfile
from planner.sources.dockerfiles import place_of
from planner.sources.load import LoadedFamily, load

MAX_GRAPH_FILE = 8 << 20
MAX_LOADED = 256
"""Families that are remembered at once."""

_Found = TypeVar("_Found", Family, LoadedFamily)
Ids = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class GraphFile:
    """Where a family is written: in each tree under `name`, or, with `fixed` bytes, the same for all trees."""

    name: str
    environment: Mapping[str, str]
    overrides: Mapping[str, str]
    fixed: bytes | None = None


class Walk:
    """What was met so far: graph files and Dockerfiles by git's id of their bytes, loaded families by all of these."""

    def __init__(self, graph: GraphFile) -> None:
        self.graph = graph
        self._families: dict[str, Family | PlannerError] = {}
        self._parsed: dict[tuple[str, str], Dockerfile] = {}
        self._loaded: dict[tuple[str, Ids], LoadedFamily | PlannerError] = {}
        self._last: LoadedFamily | None = None

    def keys(self, tree: Tree, near: Keys | None) -> Keys:
        """The keys of a tree's family; `near` are those of a tree that differs little. Raises PlannerError."""
        loaded = self._load(tree)
        known = None if near is None else Known(facts=near.facts, agrees=functools.partial(agrees, tree))
        return keys_of(loaded, tree, known)

    def _load(self, tree: Tree) -> LoadedFamily:
        at, family = self._family(tree)
        paths = dict.fromkeys(image.dockerfile for image in family.images)
        ids = tuple((path, _id_of(tree, path)) for path in paths)
        if self.graph.fixed is not None:
            here = {path for path, oid in ids if oid}
            family = replace(family, images=tuple(image for image in family.images if image.dockerfile in here))
        if (at, ids) not in self._loaded:
            if len(self._loaded) >= MAX_LOADED:
                self._loaded.pop(next(iter(self._loaded)))
                self._parsed.clear()
            self._loaded[at, ids] = self._think(family, tree)
        found = _or_raise(self._loaded[at, ids])
        self._last = found
        return found

    def _think(self, family: Family, tree: Tree) -> LoadedFamily | PlannerError:
        try:
            return load(family, tree, told=True, like=self._last, memo=self._parsed)
        except PlannerError as error:
            return error

    def _family(self, tree: Tree) -> tuple[str, Family]:
        """The family with its lock, and the ids of what both are written in."""
        name, data = self.graph.name, self.graph.fixed
        graph = tree.entry(name) if data is None else None
        if data is None and graph is None:
            raise PlannerError(f"{name}: there is no graph file")
        lock = tree.entry(lock_file.NAME)
        at = f"{graph.oid if graph else ''} {lock.oid if lock else ''}"
        if at not in self._families:
            self._families[at] = self._read(tree, tree.read(name, MAX_GRAPH_FILE) if data is None else data)
        return at, _or_raise(self._families[at])

    def _read(self, tree: Tree, data: bytes) -> Family | PlannerError:
        try:
            family = yaml_file.read(data, self.graph.name, self.graph.environment, self.graph.overrides)
            return replace(family, lock=lock_file.read_in(tree))
        except PlannerError as error:
            return error


def _or_raise(found: _Found | PlannerError) -> _Found:
    if isinstance(found, PlannerError):
        raise found
    return found


def _id_of(tree: Tree, path: str) -> str:
    """Where a Dockerfile stands and what it holds; "" where there is none."""
    place = place_of(tree, path)
    entry = None if place is None else tree.entry(place)
    return "" if entry is None else f"{place} {entry.oid}"
