"""Turns a worktree and a revision into the paths that may differ between them, by git's ids alone."""

from __future__ import annotations

from planner.digest.compared import changed_paths
from planner.local.git_tree import WorkTree
from planner.local.revision import RevisionTree
from planner.ports import MODE_FOLDER


def changed_since(tree: WorkTree, old: RevisionTree) -> list[str]:
    """The paths that differ from a revision, sorted; untracked folders and ignored ones are one path with a final `/`.

    Git ignores what an image may copy, so what git ignores counts as changed: no revision has it.
    """
    if tree.clean is None:
        return [""]  # Git keeps nothing of this workspace: all of it may differ.
    found = set(changed_paths(old, tree.clean)) if tree.clean.root != old.root else set()
    for path in tree.on_disk():
        before = old.entry(path)
        if before == tree.entry(path):
            found.discard(path)
        elif tree.disk.is_folder(path) or (before is not None and before.mode == MODE_FOLDER):
            found.add(f"{path}/")
        else:
            found.add(path)
    return sorted(found)
