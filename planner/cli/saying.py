"""Prints an answer, and remembers it where a workspace, a git revision and the environment alone decided it."""

from __future__ import annotations

from collections.abc import Sequence

from planner.cli.asides import said_so_far, warn, warning
from planner.cli.family import ENVIRONMENT
from planner.digest.key import Keys
from planner.errors import PlannerError, error_text
from planner.local.answer_cache import Answer, remember
from planner.local.git_tree import WorkTree


def say(out: str, warnings: Sequence[str] = (), status: int = 0) -> int:
    """Print an answer; gives the exit status."""
    print(out)
    for message in warnings:
        warn(message)
    return status


def say_again(keys: Keys, revision: str, out: str, warnings: Sequence[str] = (), status: int = 0) -> int:
    """Print an answer that may be given again while `keys` and the git revision ("" without one) stay as they are.

    Never for an answer that records, an engine or a registry had a part in, nor for one that left a file behind.
    """
    tree = keys.made_by.tree
    if isinstance(tree, WorkTree):
        err = "".join(f"{message}\n" for message in (*said_so_far, *map(warning, warnings)))
        remember(tree, revision, ENVIRONMENT, Answer(status, f"{out}\n", err))
    return say(out, warnings, status)


def remember_error(tree: WorkTree, revision: str, error: PlannerError) -> None:
    """Keep an error that is raised now, to be said again under the conditions of `say_again`."""
    err = "".join(f"{message}\n" for message in (*said_so_far, error_text(error)))
    remember(tree, revision, ENVIRONMENT, Answer(error.exit_status, "", err))
