"""Remembers what a command said, by everything that decided it, so that asking again costs little more than git status.

An answer is given again only when all of this is as it was: the planner itself, the command line, the terminal, HEAD,
the revision compared with, the list of paths that differ from HEAD, every variable of the environment that the graph
asked for, and every file on disk that was looked at (by git's id of its bytes now). Nothing else can enter an answer:
clean files are read from git's objects, which never change. The files may be deleted or damaged at any time.
"""

from __future__ import annotations

import os
import sys

from planner.local import cache_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.local.environment import Environment
    from planner.local.git_tree import WorkTree
    from planner.local.look import Look

DISPLAY = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS", "LANG", "LC_ALL", "LC_CTYPE")
"""Variables that may change how an answer looks, though none of them enters a graph."""


class Answer:
    """What a command said on its two outputs, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err


def question(folder: str, arguments: Sequence[str]) -> list[str]:
    """What was asked, of which planner, and where."""
    terminals = [str(stream.isatty()) for stream in (sys.stdout, sys.stderr)]
    display = [f"{name}={os.environ[name]}" for name in DISPLAY if name in os.environ]
    return [*cache_file.program(), os.path.realpath(folder), *terminals, *display, "--", *arguments]


def _place(look: Look, asked: Sequence[str]) -> str:
    return f"{look.cache}/answer-{cache_file.digest(asked)}"


def _state(look: Look) -> list[str]:
    return [look.algorithm, look.head, look.since, look.prefix, *look.changed]


def find(look: Look, asked: Sequence[str]) -> Answer | None:
    """The answer to a question, where everything that decided it is as it was."""
    groups = cache_file.read(_place(look, asked))
    if groups is None or len(groups) != 5:
        return None
    its_question, state, environment, files, answer = groups
    if its_question != asked or state != _state(look):
        return None
    if environment != _values(environment[::2]) or not _same(look, files):
        return None
    status, out, err = answer
    return Answer(int(status), out, err)


def _values(names: Sequence[str]) -> list[str]:
    """Names and values as they are now; `=` before a value tells an empty one from none."""
    return [text for name in names for text in (name, f"={os.environ[name]}" if name in os.environ else "")]


def _same(look: Look, files: Sequence[str]) -> bool:
    """Whether all that was looked at on disk is as it was."""
    if not files:
        return True
    from planner.errors import InputError
    from planner.local.disk_tree import DiskTree

    disk = DiskTree(look.folder, look.algorithm)
    try:
        return all(disk.told(path) == told for path, told in zip(files[::2], files[1::2], strict=True))
    except InputError:
        return False


def remember(tree: WorkTree, revision: str, environment: Environment, answer: Answer) -> None:
    """Keep an answer that was made from `tree`, a revision and these variables of the environment and nothing else."""
    look = tree.look
    if look is None or not look.question or tree.clean is None or look.revision != revision:
        return
    seen = tree.disk.asked()
    files = [text for path in sorted(seen) for text in (path, seen[path])]
    said = (str(answer.status), answer.out, answer.err)
    variables = _values(sorted(environment.asked))
    cache_file.write(_place(look, look.question), (look.question, _state(look), variables, files, said))
