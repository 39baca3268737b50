"""Runs git: argument lists only, no prompts, no locks taken, answers in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from planner.errors import GitError, GitRefuses
from planner.local import git_dir
from planner.local.spawn import TIMEOUT, environment, git_argv

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

DUBIOUS = "detected dubious ownership in repository at "

__all__ = ["answer", "ask", "environment", "git_argv", "heard", "start"]


def start(folder: Path | str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a question to git; end it with `answer`. Raises GitError where there is no git.

    Raises GitRefuses where git would take files of a repository for another repository.
    """
    import subprocess  # a warm plan has its answers already

    if place := git_dir.embedded(str(folder)):
        what = "its files make a git repository, whose configuration may name programs"
        raise GitRefuses(f"git is not asked about {place}, since {what}: remove HEAD, objects and refs there")
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
    """Wait for a question's answer. Raises GitError with what git said, GitRefuses where it says nothing."""
    return heard(running, accepted)[0]


def heard(running: subprocess.Popen[bytes], accepted: Sequence[int] = (0,)) -> tuple[bytes, bytes]:
    """Wait for a question's answer and what stands on git's error output. Raises as `answer` does."""
    import subprocess

    try:
        out, err = running.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        running.kill()
        running.wait()
        for pipe in (running.stdout, running.stderr):  # What it started may hold their other ends for ever.
            if pipe is not None:
                pipe.close()
        raise GitError(f"git did not answer within {TIMEOUT:.0f} s") from error
    if running.returncode not in accepted:
        said = err.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        if DUBIOUS in said:
            place = said.partition(DUBIOUS)[2].partition("\n")[0].strip("'")
            raise GitRefuses(
                f"git refuses {place}, because somebody else owns it: git config --global --add safe.directory {place}"
            )
        raise GitError(f"git: {said or f'ended with status {running.returncode}'}")
    return out, err


def ask(folder: Path | str, *arguments: str, accepted: Sequence[int] = (0,)) -> bytes:
    """Ask git one question."""
    return answer(start(folder, *arguments), accepted)
