"""Turns two trees into the paths whose content or mode differs, looking only into folders that differ."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.entry import MODE_FOLDER, Entry
from planner.ports import Tree


def changed_paths(before: Tree, after: Tree, folder: str = "") -> Iterator[str]:
    """Paths of files and links that differ, in the order of their names; a file and a folder of one name differ too."""
    old = {entry.name: entry for entry in before.entries(folder)}
    new = {entry.name: entry for entry in after.entries(folder)}
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        if one == other:
            continue
        path = f"{folder}/{name}" if folder else name
        if _is_folder(one) or _is_folder(other):
            yield from changed_paths(before, after, path)
        if (one is not None and not _is_folder(one)) or (other is not None and not _is_folder(other)):
            yield path


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.mode == MODE_FOLDER
