"""What the runs of the oracle found: counts by edit, findings, and a finding made small for people."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.engine import Engine
from tests.oracle.builds.builder import Builder
from tests.oracle.builds.cases import keep
from tests.oracle.builds.chain import Chain, Found, Outcome
from tests.oracle.builds.edits import Edited
from tests.oracle.builds.known import known
from tests.oracle.builds.law import Doing, Finding
from tests.oracle.builds.sample import Family
from tests.oracle.builds.shrink import shrunk
from tests.oracle.judge import Judge


@dataclass
class Report:
    """What was found. `ends` counts by edit and how it ended, `doing` the images by what the plan did with them."""

    families: int = 0
    images: int = 0
    builds: int = 0
    edits: int = 0
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    doing: Counter[Doing] = field(default_factory=Counter)
    findings: list[tuple[Found, Outcome, int]] = field(default_factory=list)
    known: Counter[str] = field(default_factory=Counter)
    unconfirmed: int = 0

    def add(self, one: Family) -> None:
        """Count the outcomes of a family."""
        self.families += 1
        self.images += one.images
        self.builds += one.builds
        for outcome in one.outcomes:
            self.edits += not outcome.refused
            if outcome.refused:
                end = "refused"
            else:
                end = "changed" if any(outcome.changed.values()) else "same"
                self.doing.update(outcome.doing.values())
            self.ends[outcome.edited.edit, end] += 1
            for found in outcome.found:
                if reason := known(outcome, found):
                    self.known[reason] += 1
                else:
                    self.findings.append((found, outcome, one.number))

    def count(self, finding: Finding) -> int:
        return sum(found.finding is finding for found, _, _ in self.findings)

    def line(self) -> str:
        """All of it in one line."""
        counts = ", ".join(f"{self.count(finding)} {finding}" for finding in Finding)
        doing = ", ".join(f"{self.doing[one]} {one}" for one in Doing)
        return (
            f"{self.edits} edits of {self.families} families ({self.images} images, {self.builds} builds; "
            f"planned: {doing}): {counts}; {sum(self.known.values())} of known kinds"
        )

    def table(self) -> str:
        """How edits of each kind ended, and the known kinds."""
        columns = ("changed", "same", "refused")
        lines = [f"{'edit':<18}" + "".join(f"{column:>10}" for column in columns)]
        for edit in sorted({name for name, _ in self.ends}):
            lines.append(f"{edit:<18}" + "".join(f"{self.ends[edit, column]:>10}" for column in columns))
        lines += [f"{count:>6} meant: {reason}" for reason, count in sorted(self.known.items())]
        return "\n".join(lines)


class Again:
    """Sees one edit again with nothing in BuildKit's cache, as no other family could have filled it."""

    def __init__(self, engine: Engine, judge: Judge, folder: Path) -> None:
        self.engine = engine
        self.chain = Chain(Builder(judge, folder / "store"), folder / "again")

    def found(self, one: Edited) -> tuple[Found, ...]:
        """What the edit shows."""
        self.engine.run("buildctl", "prune", "--all")
        try:
            before = self.chain.standing(one.before)
        except ValueError:
            return ()
        return self.chain.see(before, one)[0].found

    def shows(self, finding: Finding) -> Callable[[Edited], bool]:
        """Whether an edit shows a finding."""
        return lambda one: any(found.finding is finding for found in self.found(one))


def confirm(report: Report, again: Again, say: Callable[[str], None], *, seed: int, shown: int) -> None:
    """See every finding again without cache; drop what is not seen, make the rest small, print and keep it."""
    findings, report.findings = report.findings, []
    seen: Counter[tuple[Finding, str]] = Counter()
    for found, outcome, number in findings:
        fails = again.shows(found.finding)
        if not fails(outcome.edited):
            report.unconfirmed += 1
            continue
        report.findings.append((found, outcome, number))
        kind = (found.finding, outcome.edited.edit)
        seen[kind] += 1
        say(f"=== {found.finding} of {found.image} by {kind[1]} (seed {seed}, family {number}): {found.why}")
        if seen[kind] > 1 or len(seen) > shown:
            continue
        small = shrunk(outcome.edited, found.image, fails)
        say(told(small, again.found(small)))
        if found.finding is not Finding.NEEDLESS:
            keep(f"{found.finding} by {kind[1]}, seed {seed}, family {number}", small)


def told(small: Edited, now: tuple[Found, ...]) -> str:
    """A finding for people."""
    before, after = small.before.shown(), small.after.shown()
    texts = [f"{one.finding} of {one.image}: {one.why}" for one in now]
    texts += [before, "--- the edit", *difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=1)]
    return "\n".join(texts)
