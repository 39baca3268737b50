"""Which folders of a commit are submodules, as its `.gitmodules` says; git itself reads that file."""

from __future__ import annotations

from planner.errors import GitError
from planner.local.objects import Objects
from planner.local.process import ask
from planner.model.entry import MODE_EXECUTABLE, MODE_FILE

NAME = ".gitmodules"
PATHS = ("-z", "--get-regexp", r"^submodule\..*\.path$")


def declared(objects: Objects, top: str, prefix: str) -> tuple[str, ...]:
    """The paths of the submodules below the workspace, relative to it; those of nested submodules are not among them.

    `top` is the tree of the whole commit, `prefix` the workspace's folder in it with a final `/`, or "".
    """
    found = objects.listing(top).named.get(NAME) if top else None
    if found is None or found.mode not in (MODE_FILE, MODE_EXECUTABLE):
        return ()
    if found.oid not in objects.submodules:
        objects.submodules[found.oid] = _read(objects, found.oid)
    paths = objects.submodules[found.oid]
    return tuple(path.removeprefix(prefix) for path in paths if path.startswith(prefix) and path != prefix)


def _read(objects: Objects, oid: str) -> tuple[str, ...]:
    try:
        said = ask(objects.folder, "config", "--blob", oid, *PATHS, accepted=(0, 1))
    except GitError:
        return ()  # A file that git cannot read names no submodule to git either.
    pairs = said.decode("utf-8", "surrogateescape").split("\0")
    return tuple(dict.fromkeys(pair.partition("\n")[2].rstrip("/") for pair in pairs if "\n" in pair))
