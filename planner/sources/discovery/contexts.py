"""Turns what a Dockerfile copies into the folder that must be its build context, or into a question."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from planner.model.frozen import dataclass
from planner.model.image import Span
from planner.sources.discovery.files import is_dockerfile
from planner.sources.go_match import BadPattern, matches
from planner.sources.places import Places

MAX_MATCHED = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The folder taken ("." for the workspace), why, and what is in doubt about it ("" for nothing)."""

    folder: str
    why: str
    doubt: str = ""
    span: Span | None = None


def context_of(dockerfile: str, sources: Sequence[tuple[str, Span]], places: Places) -> Context:
    """The nearest folder, from the Dockerfile's own up to the workspace, in which every source exists.

    Sources that no such folder has (something makes them before the build) do not count, unless there are no others.
    """
    own = posixpath.dirname(dockerfile)
    named = {path: span for text, span in reversed(sources) if (path := _plain(text))}
    whole = any(not _plain(text) for text, _ in sources)
    if not named:
        return _without_names(own, sources, places) if whole else _context(own, "nothing is copied from the context")
    folders = [own]
    while folders[-1]:
        folders.append(posixpath.dirname(folders[-1]))
    found = {folder: {path for path in named if _exists(places, folder, path)} for folder in folders}
    somewhere = set().union(*found.values())
    # A pattern that matches nothing is no error for BuildKit: people write `file.tx[t]` for a file that may be missing.
    missing = sorted(path for path in named.keys() - somewhere if not _is_pattern(path))
    if not somewhere and not missing:
        return _context(own, "nothing that is copied is there")
    if not somewhere:
        what = f"{_list(missing)}: in no folder from {own or '.'} up to the workspace"
        return _context(own, "", what, named[missing[0]])
    for folder in folders:
        if found[folder] == somewhere:
            if folder == own and whole and own and _only_dockerfiles(own, places):
                break
            made = f"; {_list(missing)} is in none and must be made before the build" if missing else ""
            return _context(folder, f"the nearest folder that has {_list(sorted(somewhere))}{made}")
    if (only := _only_one(found, somewhere)) is not None:
        have, idle = _list(sorted(found[only])), _list(sorted(somewhere - found[only]))
        return _context(only, f"the only folder that has {have}; {idle} matches nothing there")
    best = max(folders, key=lambda folder: len(found[folder]))
    lacking = sorted(somewhere - found[best])
    what = f"no folder has every source: {best or '.'} lacks {_list(lacking)}"
    return _context(best, "", what, named[lacking[0]] if lacking else next(iter(named.values())))


def _only_one(found: Mapping[str, set[str]], somewhere: set[str]) -> str | None:
    """The folder that alone has every source that must be there: a pattern may match nothing."""
    needed = {path for path in somewhere if not _is_pattern(path)}
    fitting = [folder for folder, paths in found.items() if paths >= needed]
    return fitting[0] if len(fitting) == 1 else None


def _without_names(own: str, sources: Sequence[tuple[str, Span]], places: Places) -> Context:
    """Where a whole context is copied and nothing else: the Dockerfile's own folder, when it holds anything."""
    if own and _only_dockerfiles(own, places):
        what = f"the whole context is copied, but {own} holds nothing but Dockerfiles"
        return _context(own, "", what, sources[0][1])
    return _context(own, "the whole context is copied, and this is the Dockerfile's own folder")


def _only_dockerfiles(folder: str, places: Places) -> bool:
    return all(
        not is_folder and (is_dockerfile(name) or name.endswith(".dockerignore"))
        for name, is_folder in places.names(folder)
    )


def _context(folder: str, why: str, doubt: str = "", span: Span | None = None) -> Context:
    return Context(folder=folder or ".", why=why, doubt=doubt, span=span)


def _plain(source: str) -> str:
    """A source as a path below the context; "" for the whole of it."""
    path = posixpath.normpath("/" + source).lstrip("/")
    return "" if path in (".", "*", "**") else path


def _is_pattern(source: str) -> bool:
    return any(letter in source for letter in "*?[\\")


def _exists(places: Places, folder: str, source: str) -> bool:
    """Whether a source, which may hold wildcards, names anything below a folder."""
    if not _is_pattern(source):
        return places.is_there(posixpath.join(folder, source))
    found = [folder]
    for part in source.split("/"):
        below: list[str] = []
        for place in found[:MAX_MATCHED]:
            below.extend(posixpath.join(place, name) for name in _matching(places, place, part))
        found = below
    return bool(found)


def _matching(places: Places, folder: str, pattern: str) -> list[str]:
    try:
        return [name for name, _ in places.names(folder) if matches(pattern, name)]
    except BadPattern:
        return []


def _list(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown
