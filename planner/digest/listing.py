"""Turns a selection over a context into what it holds: every file, or what stands for many files by one id."""

from __future__ import annotations

from collections.abc import Iterator

from planner.digest.context_tree import ContextTree
from planner.digest.files import find, inclusion
from planner.model.selection import Selection
from planner.ports import MODE_FOLDER
from planner.sources.ignore_rules import IgnoreRules


def selected(context: ContextTree, selection: Selection) -> tuple[tuple[str, str], ...]:
    """What a selection holds, folders by their tree id where nothing in them is left out one by one."""
    if selection.excludes or selection.parents:
        return tuple(files_of(context, selection))
    found = find(context, selection)
    listed: list[tuple[str, str]] = []
    for path in (*found.links, *found.roots):
        entry = context.entry(path)
        if entry is None:
            continue
        oid = context.folder_id(path) if entry.mode == MODE_FOLDER else entry.oid
        listed.append((path, f"{entry.mode:o} {oid}"))
    return tuple(sorted(listed))


def files_of(context: ContextTree, selection: Selection) -> Iterator[tuple[str, str]]:
    """Every file and link that a selection reads, with `MODE OID`, sorted by path.

    With excludes or `--parents` also the folders, without an id: BuildKit makes those of which it copies no file.
    """
    found = find(context, selection)
    excludes = IgnoreRules.of(selection.excludes, "--exclude") if selection.excludes else None
    includes = inclusion(selection)
    wanted = IgnoreRules.of([text for texts in includes for text in texts], "--parents") if includes else None
    listed: dict[str, str] = {}
    for path in (*found.links, *found.roots):
        entry = context.entry(path)
        if entry is None:
            continue
        if entry.mode != MODE_FOLDER:
            listed[path] = f"{entry.mode:o} {entry.oid}"
            continue
        if path and (excludes or wanted):
            listed[path] = f"{MODE_FOLDER:o} "
        for inside, file in context.files(path, excludes, folders=bool(excludes or wanted)):
            if wanted is None or wanted.ignores(inside[len(path) :].lstrip("/")):
                listed[inside] = f"{file.mode:o} {file.oid if file.mode != MODE_FOLDER else ''}"
    yield from sorted(listed.items())
