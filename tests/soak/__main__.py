"""python -m tests.soak [--cycles 1000] [--minutes 60] [--seed 1] [--log FILE] [--plot FILE]

Cycles of random edit, plan and build with pushes, on two buildkitds, through a registry that fails, with random kills
of the planner and of buildkitds, and clean-ups. After every cycle nothing may be stale and nothing lost.
Ends with 1 at the first.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.engine.engine import running_engine
from tests.soak.checking import Lost, Stale
from tests.soak.cleaning import CLEAN_EVERY, LATER, clean, left_by_the_killed
from tests.soak.measuring import measure
from tests.soak.plot import drawn_over_cycles
from tests.soak.world import World, soaking

PROGRESS_EVERY = 10


def soak(world: World, cycles: int, seconds: float, log: Path | None = None) -> Iterator[dict[str, float]]:
    """Cycles until there were so many or the time is over; what was measured after each. Raises Stale and Lost."""
    began = time.monotonic()
    while world.counts.cycles < cycles and time.monotonic() - began < seconds:
        world.cycle()
        if world.counts.cycles % CLEAN_EVERY == 0:
            clean(world)
        measured = {"cycle": float(world.counts.cycles), "at": time.monotonic() - began, **measure(world)}
        if log is not None:
            with open(log, "a") as stream:
                stream.write(json.dumps({**measured, "counts": asdict(world.counts)}) + "\n")
        yield measured


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="a line of JSON after each cycle")
    parser.add_argument("--plot", type=Path, help="an SVG of memory and disk over the cycles")
    options = parser.parse_args()
    status = 0
    found: list[dict[str, float]] = []
    with (
        running_engine(["ubuntu:22.04"]) as engine,
        tempfile.TemporaryDirectory(prefix="soak") as folder,
        soaking(engine, Path(folder), options.seed) as world,
    ):
        try:
            for one in soak(world, options.cycles, options.minutes * 60, options.log):
                found.append(one)
                if world.counts.cycles % PROGRESS_EVERY == 0:
                    print(f"{world.counts.cycles} cycles, {one['at']:.0f} s: {asdict(world.counts)}", flush=True)
            before, leases = measure(world)["registry, disk"], left_by_the_killed(world)
            clean(world, LATER)
            after = measure(world)["registry, disk"]
            print(f"registry {before / 1e6:.1f} MB with {leases} leases, cleaned two hours later {after / 1e6:.1f} MB")
        except (Stale, Lost) as violation:
            print(f"seed {options.seed}, cycle {world.counts.cycles}: {type(violation).__name__}: {violation}")
            status = 1
        print(json.dumps({"seed": options.seed, **asdict(world.counts), "violations": status}))
    if options.plot and len(found) > 2:
        options.plot.write_text(drawn_over_cycles(found))
    return status


if __name__ == "__main__":
    sys.exit(main())
