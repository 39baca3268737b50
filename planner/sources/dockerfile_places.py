"""Where a Dockerfile may stand: its names, and what links lead to. Refuses to know what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from planner.errors import InputError
from planner.ports import MODE_FOLDER, MODE_LINK, Tree

BEHIND_LINK = "is a symlink: name the folder that it leads to"
"""Contexts are files of the workspace as git has them, where nothing lies below a link."""


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


def link_on(tree: Tree, path: str) -> str:
    """The first symlink on the way to a path, the path itself among it; "" where there is none."""
    pieces = path.split("/") if path else []
    for number in range(len(pieces)):
        place = "/".join(pieces[: number + 1])
        try:
            tree.read(place, 4096)  # Of a folder more than that would be read to know that it is one.
        except InputError:
            continue
        found = tree.entry(place)
        return place if found is not None and found.mode == MODE_LINK else ""
    return ""


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
