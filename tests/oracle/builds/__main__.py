"""`python -m tests.oracle.builds`: what a plan reuses is what a build would give; what it builds is another image.

Draws families and edits, builds every image of every state with a real buildkitd over the real folders, whatever the
plan says, and compares. Suspects are seen again without cache, made small, printed with their seed, and kept.
Ended with TERM or Ctrl-C it prints what it has: totals, and the suspects that were not seen again.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from tests.engine.engine import Engine, running_engine
from tests.engine.workfolder import work_folder
from tests.oracle.builds.chain import EDITS_OF_ONE
from tests.oracle.builds.confirm import Alone, Confirmation
from tests.oracle.builds.law import Finding
from tests.oracle.builds.report import Report
from tests.oracle.builds.sample import Family, families
from tests.oracle.graph import MIRRORED
from tests.oracle.judge import Judge, running_judge

EVERY = 5
"""Families between two lines of progress."""
ROUND = 25
"""Families of one engine: a cache and a store that only grow are begun anew."""
CONFIRM = 480.0
"""Seconds to see suspects again."""
RESTARTS = 5
"""How often an engine may be lost."""
BROKEN = 10
"""Families that may break off before something is plainly wrong."""


class Run:
    """One run: its clock, what was found, and whether somebody ended it."""

    def __init__(self, seed: int, edits: int) -> None:
        self.seed = seed
        self.edits = edits
        self.report = Report()
        self.stop = threading.Event()
        self.lost = 0
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(text, flush=True)

    def progress(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    @property
    def may_go_on(self) -> bool:
        """Whether nobody ended it, and neither engines nor families break off again and again."""
        return not self.stop.is_set() and self.lost <= RESTARTS and len(self.report.broken) <= BROKEN

    def see(self) -> None:
        """Draw families and edit them until all edits were seen."""
        number = 1
        while self.may_go_on and self.report.edits < self.edits:
            count = min(self.edits - self.report.edits, ROUND * EDITS_OF_ONE)
            with self.mended(), running() as (_, judge), work_folder() as folder:
                for one in families(judge, folder, self.seed, count, first=number, stop=self.stop):
                    number = one.number + 1
                    self._add(one)

    def _add(self, one: Family) -> None:
        for suspect in self.report.add(one):
            self.progress(f"to be seen again: {suspect.told()}")
        if one.broken:
            self.progress(f"family {one.number} broke off: {one.broken}")
        self.lost += one.lost
        if one.images and (self.report.families % EVERY == 0 or self.report.edits >= self.edits):
            self.progress(self.report.line())

    @contextmanager
    def mended(self) -> Iterator[None]:
        """Whatever goes wrong with an engine, or when an edit is seen again, must not cost what was found so far."""
        try:
            yield
        except Exception:
            self.lost += 1
            self.progress(f"broke off: {traceback.format_exc()}")

    def confirm(self, shown: int, seconds: float) -> Confirmation:
        """See the suspects again."""
        began = time.monotonic()

        def ended() -> bool:
            return self.stop.is_set() or self.lost > 2 * RESTARTS or time.monotonic() - began > seconds

        found = Confirmation(self.report.findings, seed=self.seed, shown=shown, ended=ended)
        while found.is_open:
            self.progress(f"{len(found.waiting)} suspects to be seen again without cache, for at most {seconds:.0f} s")
            with self.mended(), running() as (engine, judge), work_folder() as folder:
                found.run(Alone(engine, judge, folder), self.say, self.progress)
        self.report.findings = [*found.seen, *found.like]
        return found


@contextmanager
def running() -> Iterator[tuple[Engine, Judge]]:
    """An engine with its judge."""
    with running_engine(MIRRORED) as engine, running_judge(engine) as judge:
        yield engine, judge


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.builds", description=__doc__)
    parser.add_argument("--edits", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=8, help="kinds of findings to make small and print")
    parser.add_argument("--confirm", type=float, default=CONFIRM, metavar="SECONDS", help="to see suspects again")
    options = parser.parse_args()
    run = Run(options.seed, options.edits)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: run.stop.set())
    run.see()
    found = run.confirm(options.show, options.confirm)
    run.say(run.report.table())
    for line in found.lines():
        run.say(line)
    run.say(f"{len(found.unseen)} suspects not seen again without cache")
    ended = "" if run.report.edits >= options.edits else f"ENDED BEFORE {options.edits} EDITS: "
    left = f"; {len(found.left)} SUSPECTS NOT LOOKED AT" if found.left else ""
    run.say(f"{ended}seed {options.seed}: {run.report.line()}{left}, in {time.monotonic() - run.began:.0f} s")
    wrong = any(one.found.finding is not Finding.NEEDLESS for one in (*run.report.findings, *found.left))
    return 1 if wrong or ended or run.report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
