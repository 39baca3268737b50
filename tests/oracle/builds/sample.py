"""Draws families by seed and has all their states built: a stream of outcomes, families side by side, in order."""

from __future__ import annotations

import itertools
import random
import shutil
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.oracle.builds.builder import Builder, Lost
from tests.oracle.builds.chain import EDITS_OF_ONE, Chain, Outcome, Standing
from tests.oracle.judge import Judge

PARALLEL = 2
DRAWS = 50


@dataclass(frozen=True)
class Family:
    """The outcomes of one family. `number` and the seed draw it again.

    `broken` is what ended it before its last edit: a fault of the planner or of the oracle, or, where `lost`, the end
    of the engine or the judge.
    """

    number: int
    images: int
    builds: int
    outcomes: tuple[Outcome, ...]
    broken: str = ""
    lost: bool = False

    @property
    def edits(self) -> int:
        """The edits that were compared."""
        return sum(not one.refused for one in self.outcomes)


def families(
    judge: Judge, folder: Path, seed: int, edits: int, *, first: int = 1, stop: threading.Event | None = None
) -> Iterator[Family]:
    """Families until that many edits were built; the last one may be cut short.

    Ends early with a family that lost its engine, and soon after `stop` is set.
    """
    stop = stop or threading.Event()
    numbers = itertools.count(first)
    left, asked = edits, 0
    with ThreadPoolExecutor(PARALLEL) as pool:
        waiting: list[tuple[int, Future[Family]]] = []
        while left > 0:
            while asked < left and len(waiting) < PARALLEL + 1 and not stop.is_set():
                count = min(EDITS_OF_ONE, left - asked)
                waiting.append((count, pool.submit(family, judge, folder, seed, next(numbers), count, stop)))
                asked += count
            if not waiting:
                return
            count, future = waiting.pop(0)
            done = future.result()
            left, asked = left - done.edits, asked - count
            yield done
            if done.lost:
                pool.shutdown(cancel_futures=True)
                return


def family(
    judge: Judge, folder: Path, seed: int, number: int, edits: int, stop: threading.Event | None = None
) -> Family:
    """One family and its edits."""
    if stop is not None and stop.is_set():
        return Family(number, 0, 0, ())
    store = folder / f"store-{number}"  # One for each: two that export the same layer lock each other out.
    builder = Builder(judge, store)
    chain = Chain(builder, folder / f"family-{number}")
    rng = random.Random(f"{seed}/{number}")
    outcomes: list[Outcome] = []
    images, broken, lost = 0, "", False
    try:
        first = _drawn(chain, rng)
        images = len(first.images)
        for outcome in chain.edits(first, rng, edits):
            outcomes.append(outcome)
            if stop is not None and stop.is_set():
                break
    except Lost as error:
        broken, lost = str(error), True
    except Exception:  # One family must not end a run of a hundred. It is told, and makes the run fail.
        broken = traceback.format_exc()
    shutil.rmtree(store, ignore_errors=True)
    return Family(number, images, builder.count, tuple(outcomes), broken, lost)


def _drawn(chain: Chain, rng: random.Random) -> Standing:
    """The first family that is drawn and builds."""
    for _ in range(DRAWS):
        try:
            first = chain.family(rng)
        except ValueError:  # What was drawn later took from an image what it was built of.
            continue
        if first.images:
            return first
    raise RuntimeError(f"none of {DRAWS} families that were drawn builds")
