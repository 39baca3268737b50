"""Tells whether a state folder came with the repository's own files: what is in it is somebody's word then, not ours.

Git ignores the folder, so that a checkout even puts such files in the place of those that were there.
"""

from __future__ import annotations

import os

from planner.errors import GitError, StateError
from planner.local import cache_file, git_dir
from planner.local.process import ask


def expect_own(root: str) -> None:
    """Raise StateError where git tracks the state folder, or anything in it. Asks git once for each index."""
    parent, name = os.path.split(root)
    if not os.path.lexists(root):
        return
    private = git_dir.of(parent)
    index = git_dir.checksum(f"{private}/index") if private else ""
    memory = f"{private}/planner/own-{cache_file.digest([os.path.realpath(root)])}"
    if index and cache_file.read(memory) == [[cache_file.SCHEMA, index]]:
        return
    try:
        tracked = ask(parent, "ls-files", "-z", "--", name).decode("utf-8", "surrogateescape").split("\0")[0]
    except GitError:
        return  # No repository keeps this place.
    if tracked:
        hint = f"git rm -r {name} takes it away; --state DIR names another folder"
        what = "what was built here would be whatever somebody committed"
        raise StateError(f"{root}: git tracks {tracked} in the state folder, so {what}\n  {hint}")
    if index:
        cache_file.write(memory, [[cache_file.SCHEMA, index]])
