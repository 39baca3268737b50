"""Asks git where a workspace stands in its repository."""

from __future__ import annotations

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
