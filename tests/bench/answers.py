"""Measures, in turns within one run, what questions about an edited family cost beside the plan of the same edit.

python -m tests.bench.answers [--images 1000] [--files 100] [--rounds 5]
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

QUESTIONS = {
    "why": ("why", "image990", "--from", "HEAD"),
    "why-not": ("why-not", "image990", "--from", "HEAD"),
    "affected": ("affected", "image3/src/file0.txt"),
    "query": ("query", "rdeps(//..., image3)"),
    "matrix": ("matrix", "--since", "HEAD"),
    "matrix --format json": ("matrix", "--since", "HEAD", "--format", "json"),
    "graph --format html": ("graph", "--format", "html", "-o", "graph.html"),
}
PLAN = ("plan", "--since", "HEAD")


def main() -> None:
    """Edit one image in each round, ask everything once, print ratios of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    environment = {**os.environ, **IDENTITY}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    planner = os.fspath(Path(sys.executable).with_name("planner"))
    times: dict[str, list[float]] = {name: [] for name in ("plan", *QUESTIONS)}
    with tempfile.TemporaryDirectory() as folder:
        family = write_family(Path(folder, "family"), options.images, options.files)
        for turn in range(options.rounds + 1):
            print(f"round {turn} of {options.rounds}", file=sys.stderr)
            (family.root / "image3/src/file0.txt").write_text(f"{turn}\n")
            for name, words in {"plan": PLAN, **QUESTIONS}.items():
                began = time.perf_counter()
                run = subprocess.run(
                    [planner, *words], cwd=family.root, env=environment, capture_output=True, check=False
                )
                took = time.perf_counter() - began
                if run.returncode:
                    raise SystemExit(f"{name}: {run.stderr.decode()[-500:]}")
                if turn:
                    times[name].append(took)
    plan = statistics.median(times["plan"])
    print(f"{options.images} images, {options.images * options.files} files, one edited, {options.rounds} rounds")
    for name in QUESTIONS:
        print(f"{name:<20} / plan --since HEAD  {statistics.median(times[name]) / plan:5.2f}")


if __name__ == "__main__":
    main()
