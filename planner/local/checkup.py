"""Looks at git, the repository and the state folder, and changes nothing."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from planner.errors import GitError, GitRefuses
from planner.local.process import ask
from planner.model.finding import Finding, Severity

OLDEST_GIT = (2, 31)
LITTLE, SCARCE = 10 << 30, 1 << 30


def git(folder: Path) -> Iterator[Finding]:
    """Git itself, and the repository around a folder."""
    try:
        version = ask(folder, "--version").decode("utf-8", "replace").strip()
    except GitError as error:
        yield Finding(check="git", severity=Severity.ERROR, what=str(error), advice="install git")
        return
    found = re.search(r"(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < OLDEST_GIT:
        advice = f"upgrade to {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or later"
        yield Finding(check="git", severity=Severity.ERROR, what=f"{version} is too old", advice=advice)
    else:
        yield Finding(check="git", severity=Severity.OK, what=version)
    yield from _repository(folder)


def _repository(folder: Path) -> Iterator[Finding]:
    try:
        said = ask(folder, "rev-parse", "--is-inside-work-tree", "--is-shallow-repository").decode().split()
    except GitRefuses as error:
        what, _, advice = str(error).partition(": ")
        yield Finding(check="repository", severity=Severity.ERROR, what=what, advice=advice)
        return
    except GitError:
        what = "this folder is in no git repository, so every file is read and nothing compares with a revision"
        yield Finding(check="repository", severity=Severity.HINT, what=what, advice="git init, or go on without")
        return
    if said[:1] != ["true"]:
        what, advice = "this folder is in a repository without a worktree", "clone it, or name a folder with -C DIR"
        yield Finding(check="repository", severity=Severity.ERROR, what=what, advice=advice)
    elif said[1:2] == ["true"]:
        what, advice = (
            "the clone is shallow, so --since knows few revisions",
            "git fetch --unshallow (CI: fetch-depth: 0)",
        )
        yield Finding(check="repository", severity=Severity.WARNING, what=what, advice=advice)
    else:
        yield Finding(check="repository", severity=Severity.OK, what="a full clone")
    yield from _modes(folder)


def _modes(folder: Path) -> Iterator[Finding]:
    try:
        said = ask(folder, "config", "--type=bool", "--get", "core.fileMode", accepted=(0, 1))
    except GitError:
        return
    if said.strip() == b"false":
        what = "core.fileMode is false: whether a tracked file is executable is what git says, not the disk"
        advice = "git update-index --chmod=+x FILE, or git config core.fileMode true where the disk can tell"
        yield Finding(check="repository", severity=Severity.HINT, what=what, advice=advice)


def state(place: Path) -> Iterator[Finding]:
    """The disk of the state folder, and whether it can be written. Makes nothing."""
    there = place.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        advice = "give --state DIR, a folder that can be written"
        yield Finding(check="state", severity=Severity.ERROR, what=f"{place}: cannot be written", advice=advice)
        return
    free = shutil.disk_usage(there).free
    what = f"{free / (1 << 30):.1f} GiB free for {place}"
    if free < LITTLE:
        severity = Severity.ERROR if free < SCARCE else Severity.WARNING
        yield Finding(check="state", severity=severity, what=what, advice="free some, or give --state DIR elsewhere")
    else:
        yield Finding(check="state", severity=Severity.OK, what=what)
