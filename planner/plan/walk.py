"""Turns a row of trees into the keys of their families, thinking only of what no earlier tree had."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from planner.digest.key import Keys, Known, keys_of
from planner.digest.retold import Retold
from planner.digest.trace import Trace, Traced
from planner.errors import PlannerError
from planner.model.frozen import dataclass, replace
from planner.model.image import Family
from planner.ports import Tree
from planner.sources import lock_file
from planner.sources.dockerfile.syntax import Dockerfile
from planner.sources.dockerfile_places import place_of
from planner.sources.load import load
from planner.sources.loaded import LoadedFamily

MAX_LOADED = 256
"""Families that are remembered at once."""

_Found = TypeVar("_Found", Family, LoadedFamily)
Ids = tuple[tuple[str, str], ...]
Reader = Callable[[Tree], Family]
"""Reads the family of a tree, without its lock, with no other eyes than the tree's. Raises PlannerError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """A family with its lock, and what the tree said that both were read from. `number` tells it from others."""

    number: int
    trace: Trace
    family: Family | PlannerError


class Walk:
    """What was met so far: families by what they are written in, Dockerfiles by git's id of their bytes.

    A `fixed` family is that of all trees, as far as they have its Dockerfiles.
    """

    def __init__(self, read: Reader, *, fixed: bool = False) -> None:
        self.read = read
        self.fixed = fixed
        self._families: list[_Written] = []
        self._count = 0
        self._parsed: dict[tuple[str, str], Dockerfile] = {}
        self._loaded: dict[tuple[int, Ids], LoadedFamily | PlannerError] = {}
        self._last: LoadedFamily | None = None

    def keys(self, tree: Tree, near: Keys | None) -> Keys:
        """The keys of a tree's family; `near` are those of a tree that differs little. Raises PlannerError."""
        loaded = self._load(tree)
        known = None if near is None else Known(facts=near.facts, agrees=Retold(tree).agrees)
        return keys_of(loaded, tree, known)

    def _load(self, tree: Tree) -> LoadedFamily:
        written = self._written(tree)
        family = _or_raise(written.family)
        paths = dict.fromkeys(image.dockerfile for image in family.images if not image.inline)
        ids = tuple((path, _id_of(tree, path)) for path in paths)
        if self.fixed:
            gone = {path for path, oid in ids if not oid}
            family = replace(family, images=tuple(image for image in family.images if image.dockerfile not in gone))
        at = (written.number, ids)
        if at not in self._loaded:
            if len(self._loaded) >= MAX_LOADED:
                self._loaded.pop(next(iter(self._loaded)))
                self._parsed.clear()
            self._loaded[at] = self._think(family, tree)
        found = _or_raise(self._loaded[at])
        self._last = found
        return found

    def _think(self, family: Family, tree: Tree) -> LoadedFamily | PlannerError:
        try:
            return load(family, tree, told=True, like=self._last, memo=self._parsed)
        except PlannerError as error:
            return error

    def _written(self, tree: Tree) -> _Written:
        """The family of a tree: one that was read before where the tree says the same, the last met first."""
        agrees = Retold(tree).agrees
        found = next((one for one in self._families if agrees(one.trace)), None)
        if found is None:
            self._count += 1
            traced = Traced(tree)
            family = self._read(traced)
            found = _Written(number=self._count, trace=traced.taken(), family=family)
            del self._families[MAX_LOADED - 1 :]
        else:
            self._families.remove(found)
        self._families.insert(0, found)
        return found

    def _read(self, tree: Tree) -> Family | PlannerError:
        try:
            return replace(self.read(tree), lock=lock_file.read_in(tree))
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
