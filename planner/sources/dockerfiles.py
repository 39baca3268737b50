"""Finds the Dockerfiles of a family in a tree and reads them; mistakes are collected, not raised."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, MutableMapping

from planner.errors import DefinitionError, InputError, Mistake
from planner.model.image import Family, Image
from planner.ports import Tree
from planner.sources.dockerfile import instructions
from planner.sources.dockerfile.syntax import Dockerfile
from planner.sources.dockerfile_places import BEHIND_LINK, link_on, place_of

MAX_DOCKERFILE = 4 << 20


Memo = MutableMapping[tuple[str, str], Dockerfile]
"""Dockerfiles that were read before, by path and git's id of their bytes."""


def read_all(
    family: Family, tree: Tree, mistakes: list[Mistake], parsed: Mapping[str, Dockerfile], memo: Memo | None = None
) -> dict[str, Dockerfile]:
    """Every Dockerfile that can be read, by its path; those that are `parsed` already are not read again."""
    known: Memo = {} if memo is None else memo
    found = {image.dockerfile: parsed[image.dockerfile] for image in family.images if image.dockerfile in parsed}
    for image in family.images:
        if image.dockerfile in found:
            continue
        if image.inline:
            _read_inline(image, found, mistakes)
            continue
        path = place_of(tree, image.dockerfile)
        if path is None:
            what = f'images.{image.name}: there is no Dockerfile at "{image.dockerfile}"'
            link = link_on(tree, posixpath.dirname(image.dockerfile))
            hint = f"{link} {BEHIND_LINK}" if link else "the path in `dockerfile` is relative to `context`"
            mistakes.append(Mistake(file=image.span.file, line=image.span.line, what=what, hint=hint))
            continue
        try:
            found[image.dockerfile] = _read(tree, path, image.dockerfile, known)
        except InputError as error:
            mistakes.append(Mistake(file=image.dockerfile, what=str(error)))
        except DefinitionError as error:
            mistakes.extend(error.mistakes)
    return found


def _read_inline(image: Image, found: dict[str, Dockerfile], mistakes: list[Mistake]) -> None:
    try:
        found[image.dockerfile] = instructions.parse(image.inline.encode(), image.dockerfile)
    except DefinitionError as error:
        mistakes.extend(error.mistakes)


def _read(tree: Tree, place: str, path: str, known: Memo) -> Dockerfile:
    entry = tree.entry(place)
    at = (path, "" if entry is None else entry.oid)
    if at not in known:
        known[at] = instructions.parse(tree.read(place, MAX_DOCKERFILE), path)
    return known[at]


def bytes_again(known: Mapping[str, Dockerfile], tree: Tree, image: Image) -> bytes:
    """The text of a Dockerfile that was read before. Raises InputError when it says something else by now."""
    if image.inline:
        return image.inline.encode()
    path = image.dockerfile
    place = place_of(tree, path)
    data = tree.read(place, MAX_DOCKERFILE) if place is not None else b""
    if place is None or instructions.parse(data, path) != known[path]:
        raise InputError(f"{path}: changed since the plan was made: plan again")
    return data
