"""`python -m tests.oracle.planted`: bugs put into the planner on purpose, each of which the oracle must catch.

Every example, a few written by hand and the rest drawn at random, is judged once; every bug that is left is then looked
for in it. A bug is caught when an example disagrees with BuildKit that agrees without the bug.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from planner.digest import files as digest_files
from planner.digest.hashing import Hasher
from planner.digest.manifest import Manifests
from planner.local import disk_tree
from planner.sources import load as loading
from planner.sources.dockerfile import copy_steps, evaluation, run_steps
from planner.sources.dockerfile import stages as staging
from planner.sources.ignore_rules import IgnoreRules
from tests.engine.engine import running_engine
from tests.engine.workfolder import work_folder
from tests.oracle.directed import directed
from tests.oracle.graph import MIRRORED
from tests.oracle.judge import running_judge
from tests.oracle.known import known
from tests.oracle.law import Finding, alone, compared
from tests.oracle.ours import ours
from tests.oracle.sample import Judged, judged

AT_ONCE = 400
Plant = tuple[Any, str, Any]
_matches = digest_files.matches
_setting, _arg, _copied = evaluation.setting, evaluation.arg, copy_steps.copied
_context, _reachable = Manifests.context, loading.reachable


def _without_user(walk: Any, item: Any, state: Any) -> Any:
    return replace(_setting(walk, item, state), user=state.user)


def _without_shell(walk: Any, item: Any, state: Any) -> Any:
    return replace(_setting(walk, item, state), shell=state.shell)


def _default_wins(walk: Any, item: Any, state: Any) -> Any:
    asked, walk.settings = walk.settings, replace(walk.settings, args={})
    try:
        return _arg(walk, item, state)
    finally:
        walk.settings = asked


def _args_are_no_environment(walk: Any, item: Any, state: Any) -> Any:
    return replace(_arg(walk, item, state), env=state.env)


def _everything_reached(whole: Any, resolve: Any) -> Any:
    return tuple(range(whole.target + 1)), _reachable(whole, resolve)[1]


def _names_dropped(self: Hasher, pairs: Iterable[tuple[str, str]]) -> str:
    return self.texts(text for name, text in pairs if "/" not in name or not text.startswith("1"))


def _root_ignore_only(self: Manifests, image: Any, folder: str) -> Any:
    return _context(self, replace(image, dockerfile="none"), folder)


PLANTED: dict[str, list[Plant]] = {
    "modes are dropped": [(disk_tree, "MODE_EXECUTABLE", disk_tree.MODE_FILE)],
    "--exclude is not applied": [
        (copy_steps, "copied", lambda walk, item, *more: _copied(walk, replace(item, excludes=()), *more))
    ],
    "--parents is not applied": [
        (copy_steps, "copied", lambda walk, item, *more: _copied(walk, replace(item, parents=False), *more))
    ],
    "bind mounts are forgotten": [(run_steps, "mounted", lambda *_: None)],
    "a default wins over a build argument": [(evaluation, "arg", _default_wins)],
    "arguments are no environment of RUN": [(evaluation, "arg", _args_are_no_environment)],
    "the ignore file is not read": [(Manifests, "_rules", lambda *_: IgnoreRules())],
    "the ignore file beside the Dockerfile is not read": [(Manifests, "context", _root_ignore_only)],
    "links are not followed": [(digest_files, "follow", lambda _, path: (path, (), False))],
    "here-documents are forgotten": [(copy_steps, "heredoc", lambda *_: "")],
    "ENV is forgotten": [(evaluation, "env", lambda walk, item, state: state)],
    "USER is forgotten": [(evaluation, "setting", _without_user)],
    "SHELL is forgotten": [(evaluation, "setting", _without_shell)],
    "the target is forgotten": [(staging, "_target", lambda dockerfile, stages, *_: len(stages) - 1)],
    "unreached stages count": [(loading, "reachable", _everything_reached)],
    "globs miss hidden files": [
        (digest_files, "matches", lambda pattern, name: not name.startswith(".") and _matches(pattern, name))
    ],
    "names of files in folders are dropped": [(Hasher, "pairs", _names_dropped)],
    "ONBUILD is forgotten": [(staging, "_triggered", lambda *_: ())],
    "WORKDIR is forgotten": [(evaluation, "workdir", lambda walk, item, state: state)],
    "--from is forgotten": [
        (copy_steps, "read_name", lambda *_, **__: ""),
        (run_steps, "read_name", lambda *_, **__: ""),
    ],
}


@dataclass(frozen=True)
class Caught:
    """A bug, the example that showed it and how, and how many examples were looked at."""

    bug: str
    example: Judged | None
    finding: Finding | None
    looked_at: int


@contextmanager
def planted(bug: str) -> Iterator[None]:
    """The planner with one bug in it."""
    with ExitStack() as stack:
        for place, name, instead in PLANTED[bug]:
            stack.enter_context(patch.object(place, name, instead))
        yield


def finding_of(one: Judged, folder: Path) -> Finding | None:
    """How the planner, as it is now, disagrees about an example."""
    sides = []
    for case, verdict in ((one.pair.before, one.before), (one.pair.after, one.after)):
        case.write(folder)
        sides.append((ours(case, folder), verdict))
    finding = compared(sides[0], sides[1]) or alone(*sides[1])
    return None if finding is None or known(finding, one.pair, sides[0][0], sides[1][0]) else finding


def caught(sample: list[Judged], folder: Path, bugs: Iterable[str]) -> Iterator[Caught]:
    """Look for every bug in the sample."""
    agreed = [one for one in sample if finding_of(one, folder) is None]
    for bug in list(bugs):
        found = Caught(bug, None, None, len(agreed))
        with planted(bug):
            for number, one in enumerate(agreed, 1):
                finding = finding_of(one, folder)
                if finding is not None:
                    found = Caught(bug, one, finding, number)
                    break
        yield found


def report(examples: Iterator[Judged], folder: Path, say: Callable[[str], None]) -> list[str]:
    """Draw examples until every bug is caught or there are no more; say how each was. Gives those that were not."""
    drawn, left = 0, list(PLANTED)
    while left and (sample := list(itertools.islice(examples, AT_ONCE))):
        for one in caught(sample, folder, left):
            if one.example is not None:
                left.remove(one.bug)
                say(f"{one.bug:<52} {one.finding} by {one.example.pair.mutation}, mutation {drawn + one.looked_at}")
        drawn += len(sample)
    for bug in left:
        say(f"{bug:<52} NOT CAUGHT in {drawn} mutations")
    return left


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.planted", description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000, help="at most; it ends when all bugs are caught")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    def say(text: str) -> None:
        print(text, flush=True)

    with running_engine(MIRRORED) as engine, running_judge(engine) as judge, work_folder() as folder:
        drawn = judged(judge, folder / "cases", options.seed, options.examples)
        examples = itertools.chain(directed(judge, folder / "cases"), drawn)
        left = report(examples, folder / "planted", say)
    say(f"seed {options.seed}: {len(PLANTED) - len(left)} of {len(PLANTED)} planted bugs caught")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
