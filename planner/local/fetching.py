"""Fetches the commit of one ref from a repository's own remote. Checks out nothing, and runs nothing of it."""

from __future__ import annotations

from pathlib import Path

from planner.errors import GitError
from planner.local.process import ask


def fetched(folder: Path, remote: str, ref: str, kept_as: str) -> str:
    """The commit that a full ref names at the remote now, with its objects here; `kept_as` names it. Raises GitError.

    Never by a commit's id: servers answer those of forks too, as if they were the repository's own.
    """
    for name in (remote, ref, kept_as):
        if name.startswith("-") or any(letter in name for letter in "+:^~?*[\\ \t\n"):
            raise GitError(f"{name!r} is no name of a remote or a ref")
    shallow = ask(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"
    quiet = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=")
    ask(folder, "fetch", *quiet, *(["--depth=1"] if shallow else []), "--", remote, f"+{ref}:{kept_as}")
    return ask(folder, "rev-parse", "--verify", "--end-of-options", f"{kept_as}^{{commit}}").decode().strip()
