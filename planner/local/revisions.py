"""Finds revisions by their names, as trees of a workspace, and says what is amiss with a name that means none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.errors import GitError
from planner.local.objects import Objects
from planner.local.process import ask
from planner.local.revision import RevisionTree
from planner.model.entry import MODE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from planner.local.git_tree import WorkTree


def revision_tree(folder: Path | str, revision: str, beside: WorkTree | None = None) -> RevisionTree:
    """The workspace as a revision has it; `beside` a worktree that looked at it already, its answers are used.

    Raises GitError for a revision that is not there.
    """
    if beside is not None and beside.clean is not None and beside.look is not None and beside.look.since:
        look = beside.look
        if look.revision == revision:
            return tree_of(folder, look.since, look.prefix, look.algorithm, beside.clean.objects, beside.clean.nested)
    from planner.local.repository import repository  # a look has told all that

    found = repository(folder)
    try:
        commit = ask(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except GitError as error:
        raise GitError(_unknown(folder, revision)) from error
    if found is None:
        raise GitError(_unknown(folder, revision))
    nested = () if beside is None or beside.clean is None else beside.clean.nested
    return tree_of(folder, commit.decode().strip(), found.prefix, found.algorithm, Objects(folder), nested)


def commit_at(folder: Path | str, revision: str) -> str:
    """The id of the commit that a revision names now, "" where it names none."""
    try:
        told = ask(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except GitError:
        return ""
    return told.decode().strip()


def tree_of(
    folder: Path | str, commit: str, prefix: str, algorithm: str, objects: Objects, nested: Sequence[str]
) -> RevisionTree:
    """The workspace as a commit has it."""
    top = objects.tree_at(commit)
    root = workspace_in(objects, top, prefix)
    return RevisionTree(objects, root, algorithm, folder, commit, top=top, prefix=prefix, nested=nested)


def workspace_in(objects: Objects, root: str, prefix: str) -> str:
    """The id of the workspace's folder below the tree of a commit, "" where it is not there."""
    for name in prefix.rstrip("/").split("/") if prefix else ():
        found = objects.listing(root).named.get(name) if root else None
        root = found.oid if found is not None and found.mode == MODE_FOLDER else ""
    return root


def _unknown(folder: Path | str, revision: str) -> str:
    try:
        shallow = ask(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"
        names = ask(folder, "for-each-ref", "--format=%(refname:short)", "--count=1000").decode("utf-8", "replace")
    except GitError:
        return f"{folder}: is not in a git repository, so there is no revision {revision}"
    if shallow:
        return f'this shallow clone lacks the revision "{revision}": run git fetch --unshallow, or fetch-depth: 0 in CI'
    import difflib

    near = difflib.get_close_matches(revision, names.split(), n=1)
    return f'there is no revision "{revision}"' + (f': did you mean "{near[0]}"?' if near else "")
