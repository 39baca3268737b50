"""Measures how long after an edit `planner watch` shows the renewed plan, beside `git status` of the same tree.

python -m tests.bench.watch [--images 1000] [--files 100] [--rounds 9]
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.family import write_family
from tests.workspace import IDENTITY


def main() -> None:
    """Edit a file in each round, wait for the plan that names it, print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    environment = {**os.environ, **IDENTITY}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    planner = os.fspath(Path(sys.executable).with_name("planner"))
    status = ["git", "status", "--porcelain", "-uall", "--ignored"]
    watched: list[float] = []
    asked: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        family = write_family(Path(folder, "family"), options.images, options.files)
        process = subprocess.Popen(
            [planner, "-C", os.fspath(family.root), "watch", "--since", "HEAD"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for turn in range(options.rounds + 2):
            while "watching" not in process.stdout.readline():
                pass
            time.sleep(1)
            if turn > options.rounds:
                break
            began = time.perf_counter()
            subprocess.run(status, cwd=family.root, env=environment, stdout=subprocess.DEVNULL, check=True)
            asked.append(time.perf_counter() - began)
            began = time.perf_counter()
            (family.root / f"image{3 + turn}/src/file0.txt").write_text(f"{turn}\n")
            while "rebuild against HEAD" not in (line := process.stdout.readline()):
                assert line, "watch ended"
            watched.append(time.perf_counter() - began)
        process.send_signal(signal.SIGINT)
        process.wait()
    after = statistics.median(watched[1:])
    print(f"{options.images} images, {options.images * options.files} files, {options.rounds} rounds, medians")
    print(f"edit to renewed plan: {after * 1000:.0f} ms, {after / statistics.median(asked[1:]):.2f} times git status")


if __name__ == "__main__":
    main()
