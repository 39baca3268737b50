"""Runs git: argument lists only, no prompts, no locks taken, answers in bytes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from planner.errors import GitError

TIMEOUT = 120.0
"""Seconds that one question to git may take."""


def environment() -> dict[str, str]:
    """The caller's environment, with what makes git's answers the same everywhere."""
    return {
        **os.environ,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
    }


def git_argv(*arguments: str) -> list[str]:
    """A git command line that runs nothing the repository's own configuration names."""
    return ["git", "-c", "core.quotePath=false", "-c", "core.hooksPath=/dev/null", *arguments]


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a question to git; end it with `answer`. Raises GitError where there is no git."""
    try:
        return subprocess.Popen(
            git_argv(*arguments),
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed: install it, or plan without --since") from error


def answer(running: subprocess.Popen[bytes], accepted: Sequence[int] = (0,)) -> bytes:
    """Wait for a question's answer. Raises GitError with what git said."""
    try:
        out, err = running.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        running.kill()
        running.communicate()
        raise GitError(f"git did not answer within {TIMEOUT:.0f} s") from error
    if running.returncode not in accepted:
        said = err.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise GitError(f"git: {said or f'ended with status {running.returncode}'}")
    return out


def ask(folder: Path, *arguments: str, accepted: Sequence[int] = (0,)) -> bytes:
    """Ask git one question."""
    return answer(start(folder, *arguments), accepted)
