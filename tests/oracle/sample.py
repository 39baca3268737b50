"""Draws examples by seed and has them judged: a stream of mutations with BuildKit's verdict on both sides."""

from __future__ import annotations

import random
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tests.oracle.case import Case, Pair
from tests.oracle.grammar import case_of
from tests.oracle.judge import Judge, Verdict
from tests.oracle.mutations import mutated

MUTATIONS_OF_ONE = 6
AHEAD = 8


@dataclass(frozen=True)
class Judged:
    """One mutation with its verdicts. `number` and the seed draw it again."""

    number: int
    pair: Pair
    before: Verdict
    after: Verdict


@dataclass
class _Asked:
    number: int
    folder: Path
    base: Case
    verdict: Future[Verdict]


def judged(judge: Judge, folder: Path, seed: int, examples: int) -> Iterator[Judged]:
    """That many mutations. Bases that BuildKit would not build are passed over, but for a few."""
    asked = deque[_Asked]()
    waiting = deque[tuple[int, Pair, Verdict, Future[Verdict], Path]]()
    number = given = 0
    while given < examples:
        while len(asked) < AHEAD:
            number += 1
            base = case_of(random.Random(f"{seed}/{number}"))
            place = folder / f"{number}"
            base.write(place)
            asked.append(_Asked(number, place, base, judge.ask(base, place)))
        one = asked.popleft()
        verdict = one.verdict.result(120)
        shutil.rmtree(one.folder)
        rng = random.Random(f"{seed}/{one.number}/mutations")
        if verdict.works or rng.random() < 0.1:
            for at in range(MUTATIONS_OF_ONE):
                pair = mutated(one.base, rng)
                place = folder / f"{one.number}-{at}"
                pair.after.write(place)
                waiting.append((one.number * 10 + at, pair, verdict, judge.ask(pair.after, place), place))
        while len(waiting) > MUTATIONS_OF_ONE and given < examples:
            yield _finished(waiting.popleft())
            given += 1
    while waiting:
        _finished(waiting.popleft())


def _finished(one: tuple[int, Pair, Verdict, Future[Verdict], Path]) -> Judged:
    number, pair, before, after, place = one
    verdict = after.result(120)
    shutil.rmtree(place, ignore_errors=True)
    return Judged(number, pair, before, verdict)
