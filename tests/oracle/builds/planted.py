"""`python -m tests.oracle.builds.planted`: the bugs of `tests.oracle.planted`, each of which real builds must show too.

Every edit is built once, with the planner as it is; what became of the images is then compared with what the planner
with a bug in it would have planned. A bug is caught by an image that it would have reused though its own inputs made
it another one, or built though nothing of it changed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.engine.engine import running_engine
from tests.engine.workfolder import work_folder
from tests.oracle.builds.builder import Builder
from tests.oracle.builds.chain import Chain, Outcome
from tests.oracle.builds.directed import outcomes
from tests.oracle.builds.law import Doing, Finding, ours, planned
from tests.oracle.builds.sample import families
from tests.oracle.graph import MIRRORED
from tests.oracle.judge import running_judge
from tests.oracle.planted import PLANTED, planted


def finding_of(one: Outcome, folder: Path) -> tuple[Finding, str] | None:
    """How the planner, as it is now, disagrees with what was built, and about which image."""
    keys = []
    for name, state in (("before", one.edited.before), ("after", one.edited.after)):
        state.write(folder / name)
        mine = ours(folder / name)
        if mine.keys is None:
            return Finding.REFUSES, ""
        keys.append(mine.keys)
    doing = planned(*keys).doing
    for name, changed in one.changed.items():
        if changed and doing[name] is Doing.REUSE:
            return Finding.STALE, name
        if not changed and doing[name] is Doing.BUILD:
            return Finding.NEEDLESS, name
    return None


def caught(sample: Iterable[Outcome], folder: Path, bugs: Iterable[str]) -> dict[str, tuple[int, Finding, Outcome]]:
    """For each bug that the sample shows the number of the edit that shows it, and how."""
    left, found = list(bugs), dict[str, tuple[int, Finding, Outcome]]()
    for number, one in enumerate(sample, 1):
        if not left:
            break
        if one.refused or one.found or finding_of(one, folder) is not None:
            continue
        for bug in list(left):
            with planted(bug):
                shown = finding_of(one, folder)
            if shown is not None:
                left.remove(bug)
                found[bug] = (number, shown[0], one)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.builds.planted", description=__doc__)
    parser.add_argument("--edits", type=int, default=400, help="at most; it ends when all bugs are caught")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with running_engine(MIRRORED) as engine, running_judge(engine) as judge, work_folder() as folder:
        drawn: Iterator[Outcome] = (
            one for family in families(judge, folder, options.seed, options.edits) for one in family.outcomes
        )
        by_hand = outcomes(Chain(Builder(judge, folder / "store"), folder / "directed"))
        found = caught(itertools.chain(by_hand, drawn), folder / "planted", PLANTED)
    for bug, (number, finding, one) in found.items():
        print(f"{bug:<52} {finding} by {one.edited.edit}, edit {number}")
    for bug in PLANTED:
        if bug not in found:
            print(f"{bug:<52} NOT CAUGHT")
    print(f"seed {options.seed}: {len(found)} of {len(PLANTED)} planted bugs caught by real builds")
    return 0 if len(found) == len(PLANTED) else 1


if __name__ == "__main__":
    sys.exit(main())
