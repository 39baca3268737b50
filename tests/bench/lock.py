"""Measures, within one run, what a lock of many external images costs beside a lock of one, against a real registry.

python -m tests.bench.lock [--externals 200] [--rounds 3]
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

from tests.engine import base_images
from tests.engine.engine import ENGINE
from tests.engine.install import busybox
from tests.engine.registry import running_registry
from tests.workspace import IDENTITY, Workspace


def main() -> None:
    """Lock in turns, print the ratio of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--externals", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    program = busybox()
    if program is None:
        raise SystemExit("a static busybox is missing: run `make engine`")
    counts = {"one": 1, "all": options.externals}
    times: dict[str, list[float]] = {name: [] for name in counts}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_registry(ENGINE.bin_folder() / "registry", Path(folder, "registry")) as registry,
    ):
        names = [f"external{at}:1" for at in range(options.externals)]
        base_images.seed(registry, names, program, folder="lock")
        for turn in range(options.rounds + 1):
            for name, count in counts.items():
                space = Workspace(Path(folder, f"{name}{turn}"))
                copies = "".join(f"COPY --from={registry.address}/lock/{one} /bin /\n" for one in names[:count])
                space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": f"FROM scratch\n{copies}"})
                began = time.perf_counter()
                run = subprocess.run(
                    [os.fspath(Path(sys.executable).with_name("planner")), "lock"],
                    cwd=space.root,
                    env={**os.environ, **IDENTITY},
                    capture_output=True,
                    check=False,
                )
                took = time.perf_counter() - began
                if run.returncode:
                    raise SystemExit(run.stderr.decode()[-500:])
                if turn:
                    times[name].append(took)
    one, whole = (statistics.median(times[name]) for name in counts)
    print(f"lock of {options.externals} external images / lock of one  {whole / one:5.2f}  ({whole:.2f} s)")


if __name__ == "__main__":
    main()
