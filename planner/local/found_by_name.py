"""Which files of a tree are found by their names, Dockerfiles and Bake files, told of two trees by where they differ.

Of what both share nothing is walked; of a worktree only what git says may differ from HEAD.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from planner.local.git_tree import WorkTree
from planner.local.ids import blob_id
from planner.local.listing import paths_at
from planner.local.revision import RevisionTree
from planner.model.entry import MODE_FOLDER, MODE_LINK, Entry
from planner.ports import Tree
from planner.sources.discovery.files import is_dockerfile, is_skipped
from planner.sources.doors.bake.named import NAMES


def is_bake_file(path: str) -> bool:
    """Whether a file is Bake's by its name, and says what text alone cannot tell."""
    return path.rpartition("/")[2] in NAMES[:2]


def told(paths: Iterable[str]) -> str:
    """What the paths of a tree say of those among them that are found by name."""
    return blob_id(os.fsencode("\0".join(sorted(_found(paths)))), "sha1")


def is_alike(now: WorkTree, old: RevisionTree) -> bool:
    """Whether the same files are found by name in a worktree and in a revision."""
    if now.clean is None:
        return False
    places = set(now.on_disk())
    if now.clean.root != old.root:
        places.update(_apart(now.clean, old))
    return all(_found_at(now, place) == _found_at(old, place) for place in places)


def _found_at(tree: Tree, place: str) -> set[str]:
    return _found(paths_at(tree, place, is_skipped))


def _found(paths: Iterable[str]) -> set[str]:
    return {path for path in paths if _is_found(path)}


def _is_found(path: str) -> bool:
    *folders, name = path.split("/")
    return (is_dockerfile(name) or is_bake_file(name)) and not any(map(is_skipped, folders))


def _apart(one: RevisionTree, other: RevisionTree) -> Iterator[str]:
    """The paths at which only one of two revisions has anything, or where they have a file, a link and a folder."""
    waiting = [""]
    while waiting:
        at = waiting.pop()
        head = f"{at}/" if at else ""
        left, right = ({entry.name: entry for entry in tree.entries(at)} for tree in (one, other))
        for name in left.keys() | right.keys():
            a, b = left.get(name), right.get(name)
            if a == b:
                continue
            if a is None or b is None or _kind(a) != _kind(b):
                yield head + name
            elif a.mode == MODE_FOLDER and not is_skipped(name):
                waiting.append(head + name)


def _kind(entry: Entry) -> int:
    return entry.mode if entry.mode in (MODE_FOLDER, MODE_LINK) else 0
