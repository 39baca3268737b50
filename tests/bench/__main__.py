"""Measures, in turns within one run, what the planner costs beside `git status` and `python -c pass`; prints ratios.

Of wall-clock time, and of processor time, which says nothing of what waits for what, but the same on a busy machine.

python -m tests.bench [--images 100 1000 5000] [--files 100] [--bytes N] [--rounds 9] [--turbo] [--discovered]
    [--ignored N [--shipped]] [--plot FILE]

The installed console script is run as a user runs it: byte code is written (in a round that is not counted).
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.family import edit, with_ignored, without_graph_file, write_family
from tests.bench.plot import drawn
from tests.workspace import IDENTITY, Workspace

STATUS = ["git", "status", "--porcelain", "-uall", "--ignored"]
PLANNER = os.fspath(Path(sys.executable).with_name("planner"))
PLAN = [PLANNER, "plan", "--since", "HEAD"]
CHECKOUT = Path(__file__).parents[2]
PASS = [sys.executable, "-c", "pass"]


def environment() -> dict[str, str]:
    """A user's environment: byte code is written, git has no settings but its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, **IDENTITY, "TURBO_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1"}


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock seconds of one run; its output is thrown away, a failure is not."""
    variables = environment()
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=variables, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


@dataclass(frozen=True)
class Cost:
    """What one run took in seconds, and in seconds of processor time of the command and its children."""

    wall: float
    processor: float


def cost(command: list[str], folder: Path) -> Cost:
    """Both times of one run."""
    before = _processor()
    wall = seconds(command, folder)
    return Cost(wall, _processor() - before)


def _processor() -> float:
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak(command: list[str], folder: Path) -> int:
    """The most memory that a command and its children held at once, in KiB, as the system counted."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)


@dataclass(frozen=True)
class Row:
    """One comparison. `prepare` puts the family into the state in which both commands are timed."""

    name: str
    command: list[str]
    beside: list[str]
    prepare: Callable[[Workspace, int], None]


def clean(family: Workspace, turn: int) -> None:
    """The family as committed, with a cache that knows it."""
    del turn
    family.git("checkout", "-q", "--", ".")
    family.git("update-index", "-q", "--refresh")
    seconds(PLAN, family.root)


def edited(family: Workspace, turn: int) -> None:
    """Ten images edited to something new, after a plan that had seen none of it."""
    clean(family, turn)
    edit(family, turn)


def repeated(family: Workspace, turn: int) -> None:
    """Ten images edited, and planned once."""
    edited(family, turn)
    seconds(PLAN, family.root)


def forgotten(family: Workspace, turn: int) -> None:
    """No cache at all."""
    clean(family, turn)
    shutil.rmtree(family.root / ".git" / "planner", ignore_errors=True)


def nothing(family: Workspace, turn: int) -> None:
    """Nothing to do."""
    del family, turn


ROWS = (
    Row("plan, nothing changed / git status", PLAN, STATUS, clean),
    Row("plan, 10 images edited, first time / git status", PLAN, STATUS, edited),
    Row("plan, 10 images edited, again / git status", PLAN, STATUS, repeated),
    Row("plan, empty cache / git status", PLAN, STATUS, forgotten),
    Row("planner --version / python -c pass", [PLANNER, "--version"], PASS, nothing),
)


TURBO = "turbo --dry=json / plan, nothing changed"
WHOLE = "every context hashed whole / plan, nothing changed"


def main() -> None:
    """For each size write the family, warm up, measure in turns; print medians as ratios, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[100])
    parser.add_argument("--files", type=int, default=100, help="files of each image")
    parser.add_argument("--bytes", type=int, default=0, help="the size of each copied file [a few bytes]")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--turbo", action="store_true", help="beside Turborepo, which npm installs for this run")
    parser.add_argument("--discovered", action="store_true", help="without a graph file: Dockerfiles found by name")
    parser.add_argument("--ignored", type=int, default=0, metavar="N", help="beside N files that git ignores")
    parser.add_argument("--shipped", action="store_true", help="of which no .dockerignore leaves any out")
    parser.add_argument("--plot", metavar="FILE", help="draw the seconds of each size, in those of the smallest one")
    options = parser.parse_args()
    measured = [measure(images, options) for images in options.images]
    if len(measured) > 1:
        slope(options.images, measured)
    if options.plot and len(measured) > 1:
        lines = {
            name.partition(" / ")[0]: [value / times[0] for value in times]
            for name, times in _by_name(measured).items()
            if len(times) == len(measured)
        }
        Path(options.plot).write_text(drawn("time, in that of the smallest family", options.images, lines))


def _by_name(measured: list[dict[str, float]]) -> dict[str, list[float]]:
    return {name: [one[name] for one in measured if name in one] for name in measured[0]}


def slope(sizes: list[int], measured: list[dict[str, float]]) -> None:
    """Print how time grows with size: 1 is linear, between the first and the last size."""
    grown = math.log(sizes[-1] / sizes[0])
    for name, times in _by_name(measured).items():
        if len(times) == len(sizes):
            print(f"slope, {name.partition(' / ')[0]:<52} {math.log(times[-1] / times[0]) / grown:5.2f}")


def measure(images: int, options: argparse.Namespace) -> dict[str, float]:
    """Print the ratios of one size; gives the median seconds of each command."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"writing {images} images with {options.files} files each", file=sys.stderr)
        family = write_family(Path(folder, "family"), images, options.files, packages=options.turbo, size=options.bytes)
        if options.discovered:
            without_graph_file(family)
        if options.ignored:
            with_ignored(family, options.ignored, left_out=not options.shipped)
        rows = [*ROWS, Row(WHOLE, [sys.executable, "-m", "tests.bench.whole", os.fspath(family.root)], PLAN, clean)]
        if options.turbo:
            rows.append(Row(TURBO, installed_turbo(Path(folder)), PLAN, clean))
        costs: dict[str, list[tuple[Cost, Cost]]] = {row.name: [] for row in rows}
        for turn in range(options.rounds + 1):
            print(f"round {turn} of {options.rounds}", file=sys.stderr)
            for row in rows:
                row.prepare(family, turn)
                beside = cost(row.beside, family.root)
                took = cost(row.command, CHECKOUT if row.name == WHOLE else family.root)
                if turn:
                    costs[row.name].append((took, beside))
        clean(family, 0)
        warm = peak(PLAN, family.root)
        forgotten(family, 0)
        cold = peak(PLAN, family.root)
    size = f"{options.bytes} bytes" if options.bytes else "a few bytes"
    print(f"{images} images, {images * options.files} files of {size}, {options.rounds} rounds, medians")
    medians: dict[str, float] = {}
    print(f"{'':<58}   wall  processor, the least of each")
    for name, pairs in costs.items():
        took, beside = (statistics.median(one.wall for one in side) for side in zip(*pairs, strict=True))
        used, by_other = (min(one.processor for one in side) for side in zip(*pairs, strict=True))
        print(f"{name:<58} {took / beside:6.2f} {used / by_other:6.2f}")
        medians[name] = took
        medians["git status"] = beside if name == ROWS[0].name else medians["git status"]
    print(f"peak memory, nothing changed: {warm / 1024:.0f} MB; empty cache: {cold / 1024:.0f} MB (git's included)")
    return medians


def installed_turbo(folder: Path) -> list[str]:
    """Install Turborepo into a temporary folder; gives the command that only tells what it would run."""
    place = folder / "turbo"
    place.mkdir()
    npm = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--silent", "turbo@2"]
    subprocess.run(npm, cwd=place, check=True, stdout=subprocess.DEVNULL)
    return [os.fspath(place / "node_modules" / ".bin" / "turbo"), "run", "build", "--dry=json"]


if __name__ == "__main__":
    main()
