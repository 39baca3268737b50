"""Turns a tree into the paths of the files that git keeps, or would keep if they were added. Reads no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from planner.local.git_tree import Changes, WorkTree
from planner.model.entry import MODE_FOLDER, MODE_LINK
from planner.ports import Tree

Skip = Callable[[str], bool]
"""Whether a folder of this name is not looked into."""


def paths(tree: Tree, is_skipped: Skip) -> Iterator[str]:
    """Every regular file of a tree; of a worktree those that git does not ignore, of a plain folder all."""
    return _in_worktree(tree, "", is_skipped) if isinstance(tree, WorkTree) else _in_tree(tree, "", is_skipped)


def paths_at(tree: Tree, path: str, is_skipped: Skip) -> Iterator[str]:
    """The regular file of a tree at a path, or those below it, as `paths` has them."""
    if isinstance(tree, WorkTree) and tree.is_on_disk(path):
        yield from tree.disk.paths(path, is_skipped, tree.ignored)
        return
    found = tree.entry(path)
    if found is None or found.mode == MODE_LINK:
        return
    if found.mode != MODE_FOLDER:
        yield path
    elif not is_skipped(found.name):
        yield from (
            _in_worktree(tree, path, is_skipped) if isinstance(tree, WorkTree) else _in_tree(tree, path, is_skipped)
        )


def _in_tree(tree: Tree, path: str, is_skipped: Skip) -> Iterator[str]:
    for entry in tree.entries(path):
        inside = f"{path}/{entry.name}" if path else entry.name
        if entry.mode == MODE_FOLDER:
            if not is_skipped(entry.name):
                yield from _in_tree(tree, inside, is_skipped)
        elif entry.mode != MODE_LINK:
            yield inside


def _in_worktree(tree: WorkTree, path: str, is_skipped: Skip) -> Iterator[str]:
    """Clean folders by git's objects, changed ones by their names on disk: ids of ignored files cost too much."""
    changed = tree.changed_at(path)
    if tree.clean is None or changed is True:
        yield from tree.disk.paths(path, is_skipped, tree.ignored)
        return
    at = changed if isinstance(changed, Changes) else Changes()
    kept = {entry.name: entry.mode for entry in tree.clean.entries(path) if entry.name not in at.disk}
    for name in sorted(kept.keys() | at.below.keys() | at.disk):
        inside = f"{path}/{name}" if path else name
        if name in at.disk:
            yield from tree.disk.paths(inside, is_skipped, tree.ignored)
        elif name in at.below or kept[name] == MODE_FOLDER:
            if not is_skipped(name):
                yield from _in_worktree(tree, inside, is_skipped)
        elif kept[name] != MODE_LINK:
            yield inside
