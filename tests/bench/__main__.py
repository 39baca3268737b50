"""Measures, interleaved in one run, what a plan costs beside `git status`, and prints ratios.

python -m tests.bench [--images 100] [--files 100] [--rounds 9]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.family import write_family
from tests.workspace import IDENTITY


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock seconds of one run; its output is thrown away, a failure is not."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env={**os.environ, **IDENTITY}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Write the family, warm up, measure in turns, print medians as ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    planner = [sys.executable, "-m", "planner.cli.main"]
    commands = {
        "git status": ["git", "status", "--porcelain", "-uall", "--ignored"],
        "plan, nothing changed": [*planner, "plan", "--since", "HEAD"],
        "python -c pass": [sys.executable, "-c", "pass"],
        "planner --version": [*planner, "--version"],
    }
    with tempfile.TemporaryDirectory() as folder:
        print(f"writing {options.images} images with {options.files} files each", file=sys.stderr)
        family = write_family(Path(folder, "family"), options.images, options.files)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(options.rounds + 1):
            print(f"round {turn} of {options.rounds}", file=sys.stderr)
            for name, command in commands.items():
                took = seconds(command, family.root)
                if turn:
                    times[name].append(took)
    medians = {name: statistics.median(values) for name, values in times.items()}
    plan_ratio = medians["plan, nothing changed"] / medians["git status"]
    start_ratio = medians["planner --version"] / medians["python -c pass"]
    print(f"{options.images} images, {options.images * options.files} files, {options.rounds} rounds, medians")
    print(f"plan, nothing changed / git status     {plan_ratio:5.1f}")
    print(f"planner --version / python -c pass     {start_ratio:5.1f}")


if __name__ == "__main__":
    main()
