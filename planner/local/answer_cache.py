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

    from planner.local.disk_tree import DiskTree
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
    """What was asked, of which planner, and where. Raises OSError where the planner cannot see its own files."""
    terminals = [str(stream.isatty()) for stream in (sys.stdout, sys.stderr)]
    display = [f"{name}={os.environ[name]}" for name in DISPLAY if name in os.environ]
    return [*cache_file.program(), os.path.realpath(folder), *terminals, *display, "--", *arguments]


class Recalled:
    """An answer from before, and what decided it then."""

    def __init__(self, state: list[str], environment: list[str], files: list[str], answer: Answer) -> None:
        self.state = state
        self.environment = environment
        self.files = files
        self.answer = answer
        self.disk: DiskTree | None = None

    def holds(self, folder: str, cache: str) -> bool:
        """Whether the environment and all that was looked at on disk are as they were; `disk` is what was looked at."""
        return self.environment == _values(self.environment[::2]) and (not self.files or self._is_same(folder, cache))

    def _is_same(self, folder: str, cache: str) -> bool:
        from planner.errors import InputError
        from planner.local import remembered_ids
        from planner.local.disk_tree import DiskTree

        algorithm, pairs = self.state[0], zip(self.files[::2], self.files[1::2], strict=True)
        self.disk = DiskTree(folder, algorithm, remembered_ids.of(cache, folder, algorithm))
        try:
            return all(self.disk.told(path) == told for path, told in pairs)
        except InputError:
            return False


def _place(cache: str, asked: Sequence[str]) -> str:
    return f"{cache}/answer-{cache_file.digest(asked)}"


def _state(look: Look) -> list[str]:
    modes = [f"{mode:o} {path}" for path, mode in sorted(look.modes.items())]
    paths = [*look.changed, "ignored:", *look.ignored, "nested:", *look.nested]
    return [look.algorithm, look.head, look.since, look.prefix, *paths, *modes]


def recall(cache: str, asked: Sequence[str]) -> Recalled | None:
    """The last answer to exactly this question, which may hold no more."""
    groups = cache_file.read(_place(cache, asked))
    if groups is None or len(groups) != 5 or groups[0] != asked:
        return None
    _, state, environment, files, (status, out, err) = groups
    return Recalled(state, environment, files, Answer(int(status), out, err))


def is_at(recalled: Recalled, look: Look) -> bool:
    """Whether git sees what it saw then."""
    return recalled.state == _state(look)


def _values(names: Sequence[str]) -> list[str]:
    """Names and values as they are now; `=` before a value tells an empty one from none."""
    return [text for name in names for text in (name, f"={os.environ[name]}" if name in os.environ else "")]


def remember(tree: WorkTree, revision: str, environment: Environment, answer: Answer) -> None:
    """Keep an answer that was made from `tree`, a revision and these variables of the environment and nothing else."""
    from planner.errors import InputError

    look = tree.look
    if look is None or not look.question or tree.clean is None or look.revision != revision:
        return
    try:
        seen = tree.disk.asked()
    except InputError:
        return
    files = [text for path in sorted(seen) for text in (path, seen[path])]
    said = (str(answer.status), answer.out, answer.err)
    variables = _values(sorted(environment.asked))
    cache_file.write(_place(look.cache, look.question), (look.question, _state(look), variables, files, said))
