"""Asks git which paths of a worktree may differ from HEAD, where a `Look` could not tell."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from planner.local import unseen
from planner.local.look import CONFIG, STATUS, parsed
from planner.local.process import answer, start

if TYPE_CHECKING:
    from pathlib import Path


def changed_paths(folder: Path | str, prefix: str, attributes_file: str) -> tuple[str, list[str], list[str]]:
    """HEAD's commit ("" when unborn); the paths, from the repository's root, whose bytes must be read from disk; and

    those that git ignores.

    A folder that git does not keep is one path. Staged, changed, conflicting, untracked and ignored paths are named,
    and so are those that status is silent about. `attributes_file` is the repository's own, which may not exist.
    """
    status = start(folder, *STATUS)
    listing = start(folder, *unseen.LISTING)
    config = start(folder, *CONFIG)
    head, changed, ignored = parsed(answer(status), prefix)
    settings = answer(config, accepted=(0, 1)).decode("utf-8", "surrogateescape")
    attributes = unseen.attributes_of(str(folder), prefix, posixpath.join(folder, attributes_file))
    silent = unseen.told(str(folder), prefix, answer(listing), settings, attributes, changed)
    return head, [*changed, *silent.paths(str(folder), prefix)], ignored
