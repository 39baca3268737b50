"""Finds the Dockerfiles of a family in a tree and reads them; mistakes are collected, not raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping

from planner.errors import DefinitionError, InputError, Mistake
from planner.model.image import Family, Image
from planner.ports import MODE_FOLDER, MODE_LINK, Tree
from planner.sources.dockerfile import instructions
from planner.sources.dockerfile.syntax import Dockerfile

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
            hint = "dockerfile: is relative to context:"
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


def place_of(tree: Tree, path: str) -> str | None:
    """Where the Dockerfile stands, links inside the workspace followed; `dockerfile` stands in for `Dockerfile`."""
    return next((place for place, found in _looked_at(tree, path) if found), None)


def places_of(tree: Tree, path: str) -> tuple[str, ...]:
    """Every place where the planner looks for this Dockerfile: its names, and what links lead to."""
    places: list[str] = []
    for place, found in _looked_at(tree, path):
        places.append(place)
        if found:
            break
    return tuple(places)


def _looked_at(tree: Tree, path: str) -> Iterator[tuple[str, bool]]:
    """The places in order, and whether a regular file is there."""
    folder, _, name = path.rpartition("/")
    names = [path] + ([f"{folder}/dockerfile" if folder else "dockerfile"] if name == "Dockerfile" else [])
    for candidate in names:
        for _ in range(40):
            found = tree.entry(candidate)
            if found is None or found.mode == MODE_FOLDER:
                yield candidate, False
                break
            yield candidate, found.mode != MODE_LINK
            if found.mode != MODE_LINK:
                break
            candidate = linked(candidate, tree.read(candidate, 4096).decode("utf-8", "surrogateescape"))


def linked(path: str, target: str) -> str:
    """Where a link leads; a place that no tree has when it leaves the workspace."""
    if target.startswith("/"):
        return "\0"
    parts = path.split("/")[:-1]
    for piece in target.split("/"):
        if piece == "..":
            if not parts:
                return "\0"
            parts.pop()
        elif piece not in ("", "."):
            parts.append(piece)
    return "/".join(parts)
