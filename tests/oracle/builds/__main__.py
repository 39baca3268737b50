"""`python -m tests.oracle.builds`: what a plan reuses is what a build would give; what it builds is another image.

Draws families and edits, builds every image of every state with a real buildkitd over the real folders, whatever the
plan says, and compares. Failures are seen again without cache, made small, printed with their seed, and kept.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.engine.engine import running_engine
from tests.engine.workfolder import work_folder
from tests.oracle.builds.law import Finding
from tests.oracle.builds.report import Again, Report, confirm
from tests.oracle.builds.sample import families
from tests.oracle.graph import MIRRORED
from tests.oracle.judge import running_judge

EVERY = 10
"""Families between two lines of progress."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.builds", description=__doc__)
    parser.add_argument("--edits", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=8, help="findings to make small and print")
    options = parser.parse_args()
    began = time.monotonic()
    report = Report()

    def say(text: str) -> None:
        print(text, flush=True)

    with running_engine(MIRRORED) as engine, running_judge(engine) as judge, work_folder() as folder:
        for one in families(judge, folder, options.seed, options.edits):
            for outcome in one.outcomes:
                for found in outcome.found:
                    text = f"{found.finding} of {found.image} by {outcome.edited.edit}: {found.why}"
                    print(f"to be seen again: {text} (family {one.number})", file=sys.stderr, flush=True)
            report.add(one)
            if report.families % EVERY == 0:
                print(f"{report.line()} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
        confirm(report, Again(engine, judge, folder), say, seed=options.seed, shown=options.show)
    say(report.table())
    say(f"{report.unconfirmed} findings not seen again without cache")
    say(f"seed {options.seed}: {report.line()}, in {time.monotonic() - began:.0f} s")
    return 1 if any(report.count(finding) for finding in Finding if finding is not Finding.NEEDLESS) else 0


if __name__ == "__main__":
    sys.exit(main())
