"""Does what a command will need while git is still at work: loads modules, reads what was kept, starts another git.

All of it is in vain where the last answer still holds, which git alone can tell. So it is done in small steps, only
with processors that git leaves idle, and no step is begun once git has answered.
"""

from __future__ import annotations

import functools
import importlib
import os

from planner.local import objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from planner.cli.start import Asked
    from planner.local.spawn import Asked as Git

MODULES = (
    "re",
    "typing",
    "argparse",
    "json",
    "planner.errors",
    "planner.model.image",
    "planner.ports",
    "planner.digest.inputs",
    "planner.digest.manifest",
    "planner.digest.key",
    "planner.plan.rebuild",
    "planner.local.git_tree",
    "planner.sources.doors.door",
    "planner.cli.family",
    "planner.cli.recalled",
    "planner.cli.since",
    "planner.explain.causes",
)
"""What a plan loads, in parts of a few milliseconds, the lowest first."""
A_MOMENT = 2
"""Milliseconds between two looks at whether git still needs all processors."""


def load(git: Git, steps: Iterable[Callable[[], object]]) -> None:
    """As many of these steps as can be done without being in git's way, and without letting its answer wait."""
    processors = _processors()
    for step in steps:
        while not git.has_answered() and git.threads() >= processors:
            git.has_answered(within=A_MOMENT)
        if git.has_answered():
            return
        step()


def steps(cache: str, asked: Asked, arguments: Sequence[str]) -> Iterator[Callable[[], object]]:
    """What a command needs, in the order in which it does."""
    for name in MODULES:
        yield functools.partial(importlib.import_module, name)
    # Loads the module of the command too.
    yield lambda: importlib.import_module("planner.cli.main").parser_ahead(arguments)
    if any(word.partition("=")[0] == "--against" for word in arguments):
        yield functools.partial(importlib.import_module, "planner.cli.published")
    yield lambda: _recall(cache, asked)
    yield lambda: objects.ahead(asked.folder)


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _recall(cache: str, asked: Asked) -> None:
    """Read the facts that were kept of the family."""
    if not cache:
        return
    from planner.local import facts_cache

    try:
        facts_cache.ahead(cache, facts_cache.question(asked.folder, asked.file, asked.variables, named=asked.named))
    except OSError:
        return
