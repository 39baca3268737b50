"""Where a Dockerfile may stand: its names, and what links lead to. Refuses to know what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from planner.ports import MODE_FOLDER, MODE_LINK, Tree


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
