"""Sees suspects again with nothing in BuildKit's cache, a few of each kind, and makes one of each kind small.

Other families may have filled the cache of the run, so a suspect is a finding only when it is seen alone too.
"""

from __future__ import annotations

import difflib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from tests.engine.engine import Engine
from tests.oracle.builds.builder import Builder
from tests.oracle.builds.cases import keep
from tests.oracle.builds.chain import Chain, Found
from tests.oracle.builds.edits import Edited
from tests.oracle.builds.known import known
from tests.oracle.builds.law import Finding
from tests.oracle.builds.report import Suspect
from tests.oracle.builds.shrink import alone, shrunk
from tests.oracle.judge import Judge

OF_A_KIND = 3
ATTEMPTS = 30

Say = Callable[[str], None]


class Again(Protocol):
    """Builds an edit on its own."""

    def found(self, one: Edited) -> tuple[Found, ...]:
        """What the edit shows, but for what is known and meant. Raises Lost."""
        ...


class Alone:
    """Sees one edit again with nothing in BuildKit's cache."""

    def __init__(self, engine: Engine, judge: Judge, folder: Path) -> None:
        self.engine = engine
        self.chain = Chain(Builder(judge, folder / "store"), folder / "again")

    def found(self, one: Edited) -> tuple[Found, ...]:
        """See Again."""
        self.engine.run("buildctl", "prune", "--all")
        try:
            before = self.chain.standing(one.before)
        except ValueError:  # One of the images does not build.
            return ()
        outcome, after = self.chain.see(before, one)
        for standing in (before, after):
            if standing is not None:
                shutil.rmtree(standing.root, ignore_errors=True)
        return tuple(found for found in outcome.found if not known(outcome, found))


class Confirmation:
    """The suspects of a run, and what became of each. `ended` says that there is no time left.

    `like` are suspects of a kind of which enough were seen again: findings too, but not looked at.
    """

    def __init__(self, suspects: Iterable[Suspect], *, seed: int, shown: int, ended: Callable[[], bool]) -> None:
        self.waiting = _in_turns(suspects)
        self.count = len(self.waiting)
        self.seed = seed
        self.shown = shown
        self.ended = ended
        self.seen: list[Suspect] = []
        self.like: list[Suspect] = []
        self.unseen: list[Suspect] = []
        self.broken: list[Suspect] = []

    @property
    def is_open(self) -> bool:
        """Whether some suspects wait and there is time for them."""
        return bool(self.waiting) and not self.ended()

    def run(self, again: Again, say: Say, progress: Say) -> None:
        """See suspects again until all are, or no time is left. Raises Lost; the one at hand is not tried again."""
        while self.is_open:
            one = self.waiting.pop(0)
            at = f"{self.count - len(self.waiting)} of {self.count}"
            if self._seen_of(one) >= OF_A_KIND:
                self.like.append(one)
                progress(f"{at} is like {OF_A_KIND} that were seen again: {one.told()}")
                continue
            began = time.monotonic()
            self.broken.append(one)
            small = self._again(again, one)
            self.broken.pop()
            (self.unseen if small is None else self.seen).append(one)
            progress(
                f"{at} {'not ' if small is None else ''}seen again ({time.monotonic() - began:.0f} s): {one.told()}"
            )
            if small is not None:
                self._show(again, one, small, say, progress)

    def _seen_of(self, one: Suspect) -> int:
        return sum(other.kind == one.kind for other in self.seen)

    def _again(self, again: Again, one: Suspect) -> Edited | None:
        """The edit that shows the suspect again, of its image alone if that shows it."""
        edits = (alone(one.outcome.edited, one.found.image), one.outcome.edited)
        return next((edit for edit in edits if edit is not None and _shows(again, one, edit)), None)

    def _show(self, again: Again, one: Suspect, small: Edited, say: Say, progress: Say) -> None:
        say(f"=== {one.told()} (seed {self.seed})")
        if self._seen_of(one) > 1 or len({other.kind for other in self.seen}) > self.shown:
            return
        began = time.monotonic()
        small = shrunk(small, lambda edit: not self.ended() and _shows(again, one, edit), ATTEMPTS)
        progress(f"made small ({time.monotonic() - began:.0f} s)")
        say(told(small))
        if one.found.finding is not Finding.NEEDLESS:
            keep(f"{one.found.finding} by {small.edit}, seed {self.seed}, family {one.family}", small)

    @property
    def left(self) -> list[Suspect]:
        """Those of which nobody knows."""
        return [*self.broken, *self.waiting]

    def lines(self) -> list[str]:
        """All suspects that were not seen again, each with the seed that draws it."""
        states = (("like those seen", self.like), ("not seen again", self.unseen), ("NOT LOOKED AT", self.left))
        return [f"{state}: {one.told()} (seed {self.seed})" for state, suspects in states for one in suspects]


def _shows(again: Again, one: Suspect, edit: Edited) -> bool:
    return any(Suspect(found, one.outcome, one.family).kind == one.kind for found in again.found(edit))


def _in_turns(suspects: Iterable[Suspect]) -> list[Suspect]:
    """A few of each kind first, of as many families as there are; in each turn stale ones first."""
    order = [Finding.STALE, Finding.SENDS, Finding.FORGETS, Finding.REFUSES, Finding.NEEDLESS]
    of_family: Counter[tuple[object, int]] = Counter()
    ranked: list[tuple[int, Suspect]] = []
    for one in suspects:
        of_family[one.kind, one.family] += 1
        ranked.append((of_family[one.kind, one.family], one))
    of_kind: Counter[object] = Counter()
    turns: list[tuple[int, int, Suspect]] = []
    for _, one in sorted(ranked, key=lambda rank: rank[0]):
        of_kind[one.kind] += 1
        turns.append(((of_kind[one.kind] - 1) // OF_A_KIND, order.index(one.found.finding), one))
    return [one for _, _, one in sorted(turns, key=lambda turn: turn[:2])]


def told(small: Edited) -> str:
    """An edit for people."""
    before, after = small.before.shown(), small.after.shown()
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=1)
    return "\n".join([before, "--- the edit", *lines])
