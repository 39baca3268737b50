"""Asks git which paths of a worktree may differ from HEAD, where a `Look` could not tell."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from planner.errors import GitError
from planner.local import index_times, unseen
from planner.local.look import CONFIG, STATUS, Status, parsed
from planner.local.process import answer, ask, heard, start

if TYPE_CHECKING:
    from pathlib import Path

TRIES = 3
"""How often git is asked while somebody commits."""


def changed_paths(folder: Path | str, prefix: str, attributes_file: str) -> Status:
    """HEAD's commit ("" when unborn), and the paths, from the repository's root, whose bytes must be read from disk.

    A folder that git does not keep is one path. Staged, changed, conflicting, untracked and ignored paths are named,
    and so are those that status is silent about. `attributes_file` is the repository's own, which may not exist.

    Raises GitError.
    """
    for _ in range(TRIES):
        status = start(folder, *STATUS)
        listing, times = start(folder, *unseen.LISTING), start(folder, *index_times.TIMES)
        config = start(folder, *CONFIG)
        out, said = heard(status)
        seen = parsed(out, prefix)
        seen.changed += unseen.not_looked_at(said)
        settings = answer(config, accepted=(0, 1)).decode("utf-8", "surrogateescape")
        attributes = unseen.attributes_of(str(folder), prefix, posixpath.join(folder, attributes_file))
        listings = answer(listing), answer(times)
        silent = unseen.told(str(folder), prefix, *listings, settings, attributes, seen.changed)
        # Git's status resolves HEAD twice, so that a commit meanwhile may be named by neither.
        if ask(folder, "rev-parse", "--verify", "--quiet", "HEAD", accepted=(0, 1)).decode().strip() == seen.head:
            seen.add(silent, settings, str(folder), prefix)
            return seen
    raise GitError("HEAD moves again and again while git looks at the worktree: run again when it rests")
