"""Measures the scheduler with a simulated clock over random families: makespans beside the bounds, and its own cost.

python -m tests.bench.schedule [--families 40] [--largest 10000] [--slots 4 16] [--plot FILE]

Durations are drawn; the scheduler knows seven in ten of them from records, and takes the longest recorded of the kind
for the others. FIFO starts what became ready first, levels wait for the whole level before.
"""

from __future__ import annotations

import argparse
import heapq
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from planner.ci.jobs import Rebuild, depths
from planner.model.image import ImageName
from planner.plan.durations import durations
from planner.plan.timing import Bounds, bounds, in_waves
from planner.schedule.fleet import Fleet
from planner.schedule.priority import by_critical_path
from planner.schedule.states import Run
from planner.schedule.workers import Work, Worker
from tests.bench.plot import drawn
from tests.ci.families import work

SIZES = (10, 30, 100, 300, 1000)
Seconds = Mapping[ImageName, float]


def simulated(run: Run, seconds: Seconds, slots: int, builders: int = 1) -> tuple[float, float]:
    """Run to the end on a clock of its own; gives the makespan, and the real seconds that the machine itself took."""
    workers = [Worker(name=f"b{number}", slots=slots // builders) for number in range(builders)]
    fleet = Fleet(run, workers, Work(seconds=seconds))
    clock = 0.0
    ends: list[tuple[float, ImageName]] = []
    own = 0.0
    while not run.over:
        began = time.perf_counter()
        for placed in fleet.place(clock):
            heapq.heappush(ends, (clock + seconds[placed.image], placed.image))
        clock, name = heapq.heappop(ends)
        fleet.succeed(name)
        own += time.perf_counter() - began
    return clock, own


class Fifo(Run):
    """The same machine, but what became ready first starts first."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.queue = [self.order[index] for index in self._ready]

    def startable(self, limit: int | None = None) -> list[ImageName]:
        return self.queue[:limit]

    def start(self, name: ImageName) -> None:
        super().start(name)
        self.queue.remove(name)

    def succeed(self, name: ImageName) -> None:
        before = set(self._ready)
        super().succeed(name)
        self.queue += [self.order[index] for index in self._ready if index not in before]


def ours(family: Rebuild, seconds: Seconds, slots: int) -> float:
    """As the planner builds: the longest remaining chain first, by what is recorded."""
    known = {name: seconds[name] for name in family.order if name in family.durations.recorded}
    expected = durations(family.graph, family.order, known).seconds
    order = by_critical_path(family.order, family.parents, expected)
    return simulated(Run(order, family.parents), seconds, slots)[0]


def fifo(family: Rebuild, seconds: Seconds, slots: int) -> float:
    """In the order of the graph file."""
    return simulated(Fifo(family.order, family.parents), seconds, slots)[0]


def levels(family: Rebuild, seconds: Seconds, slots: int) -> float:
    """Level by level, the longest first within one."""
    deep = depths(family)
    waves: list[list[float]] = [[] for _ in range(max(deep.values()) + 1)]
    for name in family.order:
        waves[deep[name]].append(seconds[name])
    return in_waves(waves, slots)


POLICIES: dict[str, Callable[[Rebuild, Seconds, int], float]] = {
    "longest chain first": ours,
    "FIFO": fifo,
    "levels": levels,
}


def drawn_seconds(family: Rebuild, seed: int) -> Seconds:
    """What each image takes in truth: of those that are recorded what the records say, give or take a tenth."""
    turn = random.Random(seed)  # noqa: S311 -- the same durations each time
    known = family.durations
    return {
        name: known.seconds[name] * turn.uniform(0.9, 1.1) if name in known.recorded else turn.expovariate(1 / 120)
        for name in family.order
    }


def measure(sizes: Sequence[int], families: int, slots: int) -> dict[str, list[float]]:
    """Median makespan over the larger lower bound, by size; raises SystemExit where Graham's bound is exceeded."""
    found: dict[str, list[float]] = {name: [] for name in POLICIES}
    for size in sizes:
        ratios: dict[str, list[float]] = {name: [] for name in POLICIES}
        for seed in range(families if size < 1000 else max(3, families // 10)):
            family = work(seed, size)
            seconds = drawn_seconds(family, seed)
            limits: Bounds = bounds(family.order, family.parents, seconds, slots)
            for name, policy in POLICIES.items():
                took = policy(family, seconds, slots)
                ratios[name].append(took / limits.lower)
                if policy is not levels and took > limits.upper + 1e-6:
                    raise SystemExit(f"{name}: {took:.1f} s is above Graham's bound of {limits.upper:.1f} s")
        for name, values in ratios.items():
            found[name].append(statistics.median(values))
    return found


def main() -> None:
    """Print medians over the larger lower bound, and what the machine itself costs an image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=40)
    parser.add_argument("--largest", type=int, default=10_000)
    parser.add_argument("--slots", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--plot", metavar="FILE", help="draw the ratios of the first number of slots by size")
    options = parser.parse_args()
    for number, slots in enumerate(options.slots):
        ratios = measure(SIZES, options.families, slots)
        print(f"{slots} slots, median makespan / larger lower bound, by images {SIZES}")
        for name, values in ratios.items():
            print(f"  {name:<20} {'  '.join(f'{value:5.3f}' for value in values)}")
        if options.plot and not number:
            title = f"makespan on {slots} slots, in the larger lower bound"
            Path(options.plot).write_text(drawn(title, SIZES, ratios))
    family = work(1, options.largest)
    order = by_critical_path(family.order, family.parents, family.durations.seconds)
    for builders in (1, 4):
        _, own = simulated(Run(order, family.parents), family.durations.seconds, max(options.slots), builders)
        cost = own / options.largest * 1000
        print(f"{options.largest} simulated images, {builders} builders: {cost:.4f} ms of scheduling an image")


if __name__ == "__main__":
    main()
