"""Asks git where a workspace stands in its repository."""

from __future__ import annotations

import os
from pathlib import Path

from planner.errors import GitError, GitRefuses
from planner.local.process import ask
from planner.model.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Repository:
    """What git says of a workspace: its path below the repository's root (with a final `/`), and its object format."""

    prefix: str
    algorithm: str
    attributes: str


def repository(folder: Path | str) -> Repository | None:
    """The repository that keeps this folder, None where there is none. Raises GitRefuses."""
    try:
        said = ask(
            folder,
            "rev-parse",
            "--is-inside-work-tree",
            "--show-object-format",
            "--git-path",
            "info/attributes",
            "--show-prefix",
        )
    except GitRefuses:
        raise
    except GitError:
        return None
    inside, algorithm, attributes, prefix = said.decode("utf-8", "surrogateescape").split("\n", 3)
    return Repository(prefix.removesuffix("\n"), algorithm, attributes) if inside == "true" else None


def shows_others(folder: Path | str) -> bool:
    """Whether git may check out other files than the objects of a commit hold, because some are replaced.

    It does not say so: to its status they are unchanged. Commits alone are replaced for the sake of their history; one
    with other files is no commit that they are compared with.
    """
    base = os.environ.get("GIT_REPLACE_REF_BASE") or "refs/replace/"
    return not set(ask(folder, "for-each-ref", "--format=%(objecttype)", base).split()) <= {b"commit", b"tag"}
