"""What the runs of the oracle found: counts by edit, why some were not judged, and findings with the seed of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.oracle.builds.chain import Found, Outcome
from tests.oracle.builds.known import known
from tests.oracle.builds.law import Doing, Finding
from tests.oracle.builds.sample import Family

REFUSALS = 25
"""Reasons why edits were not judged that are printed."""
VARYING = re.compile(r"""(["'`]).*?\1|\S*[/.$*=]\S*|\S+:\S+|\b[0-9a-f]{8,}\b|\d+|\b(on stage|stage|path):? \S+""")


@dataclass(frozen=True)
class Suspect:
    """A finding, the edit that shows it, and the family that it was met in."""

    found: Found
    outcome: Outcome
    family: int

    @property
    def kind(self) -> tuple[Finding, str]:
        """Suspects of one kind have, as far as can be told, one cause."""
        return self.found.finding, cause(self.found.why)

    def told(self) -> str:
        """One line for people."""
        edit = self.outcome.edited.edit
        why = " ".join(self.found.why.split())
        return f"{self.found.finding} of {self.found.image or 'the family'} by {edit} (family {self.family}): {why}"


def cause(why: str) -> str:
    """What is said, without the names and numbers of the case."""
    first = why.partition("\n")[0]
    if first.startswith("not cached"):
        return "not cached"
    return " ".join(VARYING.sub("…", first).split())


@dataclass
class Report:
    """What was found. `ends` counts by edit and how it ended, `doing` the images by what the plan did with them.

    `refusals` says why edits were not judged, `broken` are the families that did not come to their end.
    """

    families: int = 0
    images: int = 0
    builds: int = 0
    edits: int = 0
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    doing: Counter[Doing] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    findings: list[Suspect] = field(default_factory=list)
    known: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def add(self, one: Family) -> Sequence[Suspect]:
        """Count the outcomes of a family; gives what is suspected of them."""
        self.families += bool(one.images)
        self.images += one.images
        self.builds += one.builds
        self.edits += one.edits
        if one.broken:
            self.broken.append((one.number, one.broken))
        found = [suspect for outcome in one.outcomes for suspect in self._of(outcome, one.number)]
        self.findings.extend(found)
        return found

    def _of(self, outcome: Outcome, number: int) -> Iterable[Suspect]:
        if outcome.refused:
            end = "not judged"
            self.refusals[cause(outcome.refused)] += 1
        else:
            end = "changed" if any(outcome.changed.values()) else "same"
            self.doing.update(outcome.doing.values())
        self.ends[outcome.edited.edit, end] += 1
        for found in outcome.found:
            if reason := known(outcome, found):
                self.known[reason] += 1
            else:
                yield Suspect(found, outcome, number)

    def count(self, finding: Finding) -> int:
        return sum(one.found.finding is finding for one in self.findings)

    def line(self) -> str:
        """All of it in one line."""
        counts = ", ".join(f"{self.count(finding)} {finding}" for finding in Finding)
        doing = ", ".join(f"{self.doing[one]} {one}" for one in Doing)
        broken = f"; {len(self.broken)} families broken off" if self.broken else ""
        return (
            f"{self.edits} edits of {self.families} families ({self.images} images, {self.builds} builds; "
            f"planned: {doing}; {self.refusals.total()} more edits not judged): {counts}; "
            f"{self.known.total()} of known kinds{broken}"
        )

    def table(self) -> str:
        """How edits of each kind ended, why some were not judged, the known kinds, and the families broken off."""
        columns = ("changed", "same", "not judged")
        lines = [f"{'edit':<18}" + "".join(f"{column:>12}" for column in columns)]
        for edit in sorted({name for name, _ in self.ends}):
            lines.append(f"{edit:<18}" + "".join(f"{self.ends[edit, column]:>12}" for column in columns))
        lines += [f"{count:>6} not judged: {reason}" for reason, count in self.refusals.most_common(REFUSALS)]
        if rest := self.refusals.total() - sum(count for _, count in self.refusals.most_common(REFUSALS)):
            lines.append(f"{rest:>6} not judged: other reasons")
        lines += [f"{count:>6} meant: {reason}" for reason, count in sorted(self.known.items())]
        lines += [f"family {number} was broken off: {text.rstrip()}" for number, text in self.broken]
        return "\n".join(lines)
