"""The git refs that keep images alive: commits of branches and tags by glob, and every digest in their files."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from planner.errors import GitError
from planner.local.process import ask

_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
_AT_ONCE = 100
"""Commits of one question to git."""


def commits_of(folder: Path, globs: Sequence[str]) -> Mapping[str, str]:
    """Commit ids with the name that people know each by: of every ref that a glob matches, of all refs without any.

    Globs are over full names (`refs/heads/*`) or over what follows `refs/heads/`, `refs/remotes/` and `refs/tags/`; one
    that begins with `!` leaves refs out. Raises GitError, also where a glob matches nothing or the history is not all
    here: then images that are wanted would seem unwanted.
    """
    if ask(folder, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise GitError("the clone is shallow, so that its refs do not tell all that is wanted: git fetch --unshallow")
    names = [name for name in _names(folder) if not is_left_out(_short(name), globs) and not is_left_out(name, globs)]
    found: dict[str, str] = {}
    for glob in [glob for glob in globs if not glob.startswith("!")] or ["*"]:
        matched = [name for name in names if any(fnmatch.fnmatchcase(text, glob) for text in (name, _short(name)))]
        if not matched:
            raise GitError(
                f'no branch or tag matches "{glob}"\n  write a glob, such as main, release/* or refs/tags/v*'
            )
        for name in matched:
            found.setdefault(_commit(folder, name), _short(name))
    return found


def is_left_out(name: str, globs: Sequence[str]) -> bool:
    """Whether one of the globs that begin with `!` matches a name."""
    return any(glob.startswith("!") and fnmatch.fnmatchcase(name, glob[1:]) for glob in globs)


def history_of(folder: Path, main: str, last: int) -> Mapping[str, str]:
    """The last commits of a branch, newest first, named as people know each. Raises GitError."""
    if not last:
        return {}
    out = ask(folder, "rev-list", "--first-parent", f"--max-count={last}", "--end-of-options", main, "--")
    return {commit: f"{main}~{number}" if number else main for number, commit in enumerate(out.decode().split())}


def paths_at(folder: Path, commit: str) -> tuple[str, ...]:
    """The paths of all files of a commit, from the top of the repository. Raises GitError."""
    out = ask(folder, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
    return tuple(path.decode("utf-8", "replace") for path in out.split(b"\0") if path)


def _names(folder: Path) -> list[str]:
    """The full names of all refs that lead to a commit."""
    listed = ask(folder, "for-each-ref", "--format=%(objecttype) %(*objecttype) %(refname)").decode("utf-8", "replace")
    found = []
    for line in listed.splitlines():
        kinds, _, name = line.rpartition(" ")
        # git before 2.45 tells of a tag of a tag no more than that.
        if "commit" in kinds.split() or (kinds.split() == ["tag", "tag"] and _commit(folder, name, accepted=(0, 128))):
            found.append(name)
    return found


def _short(name: str) -> str:
    for prefix in ("refs/heads/", "refs/remotes/", "refs/tags/"):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _commit(folder: Path, name: str, accepted: Sequence[int] = (0,)) -> str:
    asked = f"{name}^{{commit}}"
    return ask(folder, "rev-parse", "--verify", "--end-of-options", asked, accepted=accepted).decode().strip()


def digests_in(folder: Path, commits: Mapping[str, str]) -> Mapping[str, str]:
    """Every digest that a file of the whole repository holds at one of these commits, with where it was seen first.

    `folder` may be any of the repository. Files that attributes call binary count too; UTF-16 is not read. Raises
    GitError.
    """
    found: dict[str, str] = {}
    ids = list(commits)
    # git greps commits below the folder alone in which it stands.
    top = folder / ask(folder, "rev-parse", "--show-cdup").decode().strip()
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        arguments = ("grep", "-a", "-o", "-z", "--full-name", "-E", "-e", "sha256:[0-9a-f]{64}", *some)
        out = ask(top, *arguments, accepted=(0, 1))
        for line in out.splitlines():
            place, _, rest = line.partition(b"\0")
            seen = _DIGEST.search(rest)
            commit, _, path = place.decode("utf-8", "replace").partition(":")
            if seen is not None:
                found.setdefault(seen[0].decode("ascii"), f"{path} at {commits.get(commit, commit)}")
    return found


def expect_commit(folder: Path, commit: str, known_as: str) -> None:
    """Raise GitError unless a commit is in the clone: what it wants would seem unwanted."""
    out = ask(folder, "cat-file", "-t", commit, accepted=(0, 128))
    if out.strip() != b"commit":
        hint = "git fetch origin '+refs/pull/*/head:refs/remotes/pull/*' (GitLab: refs/merge-requests/*/head)"
        raise GitError(f"the head of {known_as} ({commit[:12]}) is not in this clone: nothing is removed\n  {hint}")
