"""Draws families by seed and has all their states built: a stream of outcomes, families side by side, in order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.oracle.builds.builder import Builder
from tests.oracle.builds.chain import EDITS_OF_ONE, Chain, Outcome
from tests.oracle.judge import Judge

PARALLEL = 2


@dataclass(frozen=True)
class Family:
    """The outcomes of one family. `number` and the seed draw it again."""

    number: int
    images: int
    builds: int
    outcomes: tuple[Outcome, ...]


def families(judge: Judge, folder: Path, seed: int, edits: int) -> Iterator[Family]:
    """Families until that many edits were built; the last one may be cut short."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        waiting: list[Future[Family]] = []
        numbers = itertools.count(1)
        left = edits
        asked = 0
        while left > 0:
            while asked < edits and len(waiting) < PARALLEL + 1:
                count = min(EDITS_OF_ONE, edits - asked)
                waiting.append(pool.submit(family, judge, folder, seed, next(numbers), count))
                asked += count
            done = waiting.pop(0).result()
            left -= sum(not one.refused for one in done.outcomes)
            yield done
            if not waiting:
                return


def family(judge: Judge, folder: Path, seed: int, number: int, edits: int) -> Family:
    """One family and its edits."""
    builder = Builder(judge, folder / "store")
    chain = Chain(builder, folder / f"family-{number}")
    rng = random.Random(f"{seed}/{number}")
    first = chain.family(rng)
    while not first.images:  # Nothing of what was drawn builds.
        first = chain.family(rng)
    outcomes = tuple(chain.edits(first, rng, edits))
    return Family(number, len(first.images), builder.count, outcomes)
