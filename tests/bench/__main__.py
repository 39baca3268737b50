"""Measures, in turns within one run, what the planner costs beside `git status` and `python -c pass`; prints ratios.

python -m tests.bench [--images 100] [--files 100] [--rounds 9]

The installed console script is run as a user runs it: byte code is written (in a round that is not counted).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.family import edit, write_family
from tests.workspace import IDENTITY, Workspace

STATUS = ["git", "status", "--porcelain", "-uall", "--ignored"]
PLANNER = os.fspath(Path(sys.executable).with_name("planner"))
PLAN = [PLANNER, "plan", "--since", "HEAD"]
PASS = [sys.executable, "-c", "pass"]


def environment() -> dict[str, str]:
    """A user's environment: byte code is written, git has no settings but its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, **IDENTITY}


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock seconds of one run; its output is thrown away, a failure is not."""
    variables = environment()
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=variables, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


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


def main() -> None:
    """Write the family, warm up, measure in turns, print medians as ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--files", type=int, default=100, help="files of each image")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"writing {options.images} images with {options.files} files each", file=sys.stderr)
        family = write_family(Path(folder, "family"), options.images, options.files)
        times: dict[str, list[tuple[float, float]]] = {row.name: [] for row in ROWS}
        for turn in range(options.rounds + 1):
            print(f"round {turn} of {options.rounds}", file=sys.stderr)
            for row in ROWS:
                row.prepare(family, turn)
                beside = seconds(row.beside, family.root)
                took = seconds(row.command, family.root)
                if turn:
                    times[row.name].append((took, beside))
        clean(family, 0)
        memory = peak(PLAN, family.root) / peak(PASS, family.root)
        forgotten(family, 0)
        memory_cold = peak(PLAN, family.root) / peak(PASS, family.root)
    print(f"{options.images} images, {options.images * options.files} files, {options.rounds} rounds, medians")
    for name, pairs in times.items():
        took, beside = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"{name:<52} {took / beside:5.2f}")
    print(f"{'peak memory: plan, nothing changed / python -c pass':<52} {memory:5.2f}")
    print(f"{'peak memory: plan, empty cache / python -c pass':<52} {memory_cold:5.2f}")


if __name__ == "__main__":
    main()
