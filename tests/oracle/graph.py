"""`python -m tests.oracle.graph`: our key changes exactly when BuildKit's graph, configuration or files do.

Draws Dockerfiles, contexts and single mutations, asks a real buildkitd what it would build (see `.ci/judge`),
and compares. Failures are shrunk and printed with their seed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.engine import running_engine
from tests.engine.workfolder import work_folder
from tests.oracle.case import Case, Pair
from tests.oracle.judge import Judge, Verdict, running_judge
from tests.oracle.known import known
from tests.oracle.law import Finding, alone, compared
from tests.oracle.ours import NAME, Ours, ours, sent
from tests.oracle.sample import Judged, judged
from tests.oracle.shrink import shrunk

MIRRORED = ("ubuntu:22.04", "golang:1.20", "python:3.11-alpine")
SHOWN = 8


@dataclass
class Report:
    """What was found. `kinds` counts by mutation and how it ended, `known` the disagreements that have a reason."""

    examples: int = 0
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[tuple[Finding, Judged]] = field(default_factory=list)
    known: Counter[tuple[Finding, str]] = field(default_factory=Counter)

    def count(self, finding: Finding) -> int:
        return sum(found is finding for found, _ in self.findings)

    def line(self) -> str:
        counts = ", ".join(f"{self.count(finding)} {finding}" for finding in Finding)
        needless = self.count(Finding.NEEDLESS) + sum(
            count for (finding, _), count in self.known.items() if finding is Finding.NEEDLESS
        )
        share = 100 * needless / max(1, self.examples)
        return f"{self.examples} mutations: {counts}; with known kinds {needless} needless ({share:.2f} %)"


class Oracle:
    """Compares one example after the other."""

    def __init__(self, judge: Judge, folder: Path) -> None:
        self.judge = judge
        self.folder = folder
        self.report = Report()
        self._last: tuple[Case, Ours] | None = None

    def _ours(self, case: Case) -> Ours:
        case.write(self.folder / "ours")
        return ours(case, self.folder / "ours")

    def see(self, one: Judged) -> None:
        """Compare an example and count how it ended."""
        first = self._last is None or self._last[0] is not one.pair.before
        if first:
            self._last = (one.pair.before, self._ours(one.pair.before))
            self._check_sent(one, one.pair.before, one.before)
        assert self._last is not None
        before, after = self._last[1], self._ours(one.pair.after)
        finding = compared((before, one.before), (after, one.after)) or alone(after, one.after)
        self.report.examples += 1
        reason = known(finding, one.pair, before, after) if finding else ""
        self.report.ends[one.pair.mutation, "known" if reason else _end(one, finding)] += 1
        if finding and reason:
            self.report.known[finding, reason] += 1
        elif finding:
            self.report.findings.append((finding, one))

    def _check_sent(self, one: Judged, case: Case, verdict: Verdict) -> None:
        if self._sends_other(case, verdict):
            self.report.findings.append((Finding.SENDS, one))

    def _sends_other(self, case: Case, verdict: Verdict) -> bool:
        """Whether the files that the planner would send give BuildKit another image than the whole context."""
        root = self.folder / "sent"
        case.write(root)
        mine = ours(case, root)
        if mine.refused or not verdict.works:
            return False
        with tempfile.TemporaryDirectory(dir=self.folder) as contexts:
            assert mine.keys is not None
            context, named = sent(mine.keys, NAME, case.named, Path(contexts))
            all_of_it = root / f"{case.dockerfile}.dockerignore"
            shutil.rmtree(all_of_it, ignore_errors=True)
            all_of_it.unlink(missing_ok=True)  # A link must not be written through.
            all_of_it.write_text("# all of it\n")
            return self.judge.ask(case, root, sent=(context, named)).result(60).value != verdict.value

    def fails(self, pair: Pair, finding: Finding) -> bool:
        """Whether a pair still shows a finding; for shrinking."""
        if finding is Finding.SENDS:
            place = self.folder / "shrink" / "sends"
            pair.before.write(place)
            return self._sends_other(pair.before, self.judge.ask(pair.before, place).result(60))
        sides: list[tuple[Ours, Verdict]] = []
        for name, case in (("before", pair.before), ("after", pair.after)):
            place = self.folder / "shrink" / name
            case.write(place)
            sides.append((ours(case, place), self.judge.ask(case, place).result(60)))
        return (compared(sides[0], sides[1]) or alone(*sides[1])) is finding


def _end(one: Judged, finding: Finding | None) -> str:
    if finding is not None:
        return finding.value
    if not one.after.works or not one.before.works:
        return "fails in BuildKit"
    return "same" if one.before.value == one.after.value else "changed"


def shown(oracle: Oracle, finding: Finding, one: Judged, seed: int) -> str:
    """A finding for people, made small first."""
    pair = Pair(one.pair.before, one.pair.before, "none") if finding is Finding.SENDS else one.pair
    pair = shrunk(pair, lambda smaller: oracle.fails(smaller, finding))
    texts = [f"=== {finding} by {pair.mutation} (seed {seed}, example {one.number})"]
    for word, case in (("before", pair.before), ("after", pair.after)):
        place = oracle.folder / "shown"
        case.write(place)
        mine, verdict = ours(case, place), oracle.judge.ask(case, place, verbose=True).result(60)
        texts += [f"----- {word}", case.shown()]
        texts.append(f"ours: {mine.key or mine.refused} {mine.unsure or ''}")
        texts.append(f"judge: {verdict.value or verdict.error or verdict.broken}")
    return "\n".join(texts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.graph", description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=SHOWN, help="findings to shrink and print")
    options = parser.parse_args()
    began = time.monotonic()
    with running_engine(MIRRORED) as engine, running_judge(engine) as judge, work_folder() as folder:
        oracle = Oracle(judge, folder)
        for one in judged(judge, folder / "cases", options.seed, options.examples):
            oracle.see(one)
            if oracle.report.examples % 500 == 0:
                print(f"{oracle.report.line()} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
        report = oracle.report
        seen: Counter[tuple[Finding, str]] = Counter()
        order = [Finding.STALE, Finding.SENDS, Finding.REFUSES, Finding.NEEDLESS, Finding.ACCEPTS]
        for finding, one in sorted(report.findings, key=lambda found: order.index(found[0])):
            kind = (finding, "" if finding is Finding.SENDS else one.pair.mutation)
            seen[kind] += 1
            if seen[kind] <= 1 and len(seen) <= options.show:
                print(shown(oracle, finding, one, options.seed), flush=True)
    print_report(report, options.seed)
    return 1 if report.count(Finding.STALE) or report.count(Finding.SENDS) else 0


def print_report(report: Report, seed: int) -> None:
    """The table by mutation, and the total."""
    columns = ("changed", "same", "fails in BuildKit", "known", *Finding)
    print(f"{'mutation':<14}" + "".join(f"{column:>19}" for column in columns))
    for mutation in sorted({name for name, _ in report.ends}):
        print(f"{mutation:<14}" + "".join(f"{report.ends[mutation, column]:>19}" for column in columns))
    for finding in Finding:
        if numbers := [one.number for found, one in report.findings if found is finding]:
            print(f"{finding}: examples {numbers}")
    for (finding, reason), count in sorted(report.known.items()):
        print(f"{count:>6} {finding}: {reason}")
    print(f"seed {seed}: {report.line()}")


if __name__ == "__main__":
    sys.exit(main())
