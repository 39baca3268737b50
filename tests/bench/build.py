"""Measures, interleaved in one run, what builds cost beside `buildx bake` of the same family on the same buildkitd.

python -m tests.bench.build [--images 30] [--files 20] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from planner.model.image import EPOCH, YEAR_2000
from tests.bench.family import BASES, FAN
from tests.engine.engine import Engine, running_engine
from tests.workspace import IDENTITY, Workspace

REGISTRY = "registry.example/family"


def write_buildable(root: Path, images: int, files: int) -> Workspace:
    """A family of chains and fans that builds with busybox, and two Bake files of the same family.

    One is as people write it; the other has Bake date every file, as the planner does, so that both give equal images.
    """
    workspace = Workspace(root)
    graph = ["version: 1", f"registry: {REGISTRY}", "images:"]
    targets: dict[str, dict[str, Any]] = {}
    for number in range(images):
        name, folder = f"image{number}", f"image{number}"
        above = f"image{number // FAN}" if number >= BASES else ""
        sources = {f"{folder}/src/file{index}.txt": f"{number} {index}\n" for index in range(files)}
        parent = f"{REGISTRY}/{above}" if above else "ubuntu:22.04"
        dockerfile = f"FROM {parent}\nCOPY src /src{number}\nRUN cat /src{number}/* > /made{number}\n"
        workspace.write({**sources, f"{folder}/Dockerfile": dockerfile})
        graph.append(f"  {name}: {{context: {folder}}}")
        targets[name] = {
            "context": folder,
            "contexts": {parent: f"target:{above}"} if above else {},
            "output": [f"type=oci,dest=../out-{name},tar=false"],
            "attest": [],
        }
    bake: dict[str, object] = {"group": {"default": {"targets": list(targets)}}, "target": targets}
    dated = {
        name: {**target, "args": {EPOCH: YEAR_2000}, "output": [f"{target['output'][0]},rewrite-timestamp=true"]}
        for name, target in targets.items()
    }
    workspace.write(
        {
            "images.yaml": "\n".join(graph) + "\n",
            "docker-bake.json": json.dumps(bake),
            "dated.json": json.dumps({**bake, "target": dated}),
        }
    )
    workspace.commit()
    return workspace


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    took = time.perf_counter() - began
    if run.returncode:
        raise SystemExit(f"{command[0]} failed:\n{run.stderr.decode()[-2000:]}")
    return took


def measure(engine: Engine, options: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Seconds of each kind of build, planner's and bake's, in turns."""
    environment = {**os.environ, **IDENTITY, **engine.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    space = write_buildable(folder / "family", options.images, options.files)
    leaf = space.root / f"image{options.images - 1}" / "src" / "file0.txt"
    planner = [os.fspath(Path(sys.executable).with_name("planner")), "build"]
    bake, dated = (
        [engine.buildx, "bake", f"--file={file}", "--progress=quiet", "--allow=fs.write=*"]
        for file in ("docker-bake.json", "dated.json")
    )
    times: dict[str, list[float]] = {}

    def take(name: str, command: list[str], prepare: Callable[[], None]) -> None:
        prepare()
        times.setdefault(name, []).append(timed(command, space.root, environment))

    def nothing() -> None:
        """No change."""

    def from_nothing() -> None:
        subprocess.run([engine.buildctl, "--addr", engine.address, "prune", "--all"], capture_output=True, check=True)
        shutil.rmtree(space.root / ".planner", ignore_errors=True)
        for place in folder.glob("out-*"):
            shutil.rmtree(place)

    def edit() -> None:
        leaf.write_text(f"{time.time_ns()}\n")

    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
        take("planner, from nothing", planner, from_nothing)
        take("planner, no change", planner, nothing)
        take("planner, one leaf", planner, edit)
        take("bake, from nothing", bake, from_nothing)
        take("bake, no change", bake, nothing)
        take("bake, one leaf", bake, edit)
        take("bake of equal images, from nothing", dated, from_nothing)
        take("bake of equal images, no change", dated, nothing)
        take("bake of equal images, one leaf", dated, edit)
    return times


def cut_off(engine: Engine, folder: Path, images: int = 20) -> dict[str, int]:
    """How the images of a family end after an edit that changes no byte of the base on which all of them stand."""
    space = Workspace(folder / "cut-off")
    stages = "FROM ubuntu:22.04 AS made\nCOPY in /in\nRUN wc -c < /in > /size\nFROM ubuntu:22.04\n"
    space.write({"0/Dockerfile": f"{stages}COPY --from=made /size /size\n", "0/in": "one\n"})
    for number in range(1, images):
        parent = f"{REGISTRY}/image{(number - 1) // FAN}"
        space.write({f"{number}/Dockerfile": f"FROM {parent}\nRUN echo {number} > /{number}\n"})
    graph = ["version: 1", f"registry: {REGISTRY}", "images:"]
    space.write(
        {"images.yaml": "\n".join([*graph, *(f"  image{n}: {{context: '{n}'}}" for n in range(images))]) + "\n"}
    )
    space.commit()
    space.planner("build", **engine.environment)
    space.write({"0/in": "two\n"})
    run = space.planner("build", "--format", "json", **engine.environment)
    return dict(Counter(image["outcome"] for image in json.loads(run.stdout)["images"]))


def main() -> None:
    """Print medians as ratios, and counts of an early cutoff."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_engine(["ubuntu:22.04"]) as engine:
        counts = cut_off(engine, Path(folder))
        told = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        print(f"an edit that changes no byte of the base of 20 images: {told}")
        times = measure(engine, options, Path(folder)) if options.rounds else {}
    if not times:
        return
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{options.images} images with {options.files} files each, {options.rounds} rounds, medians")
    for kind in ("from nothing", "no change", "one leaf"):
        for bake in ("bake", "bake of equal images"):
            ratio = medians[f"planner, {kind}"] / medians[f"{bake}, {kind}"]
            print(f"planner build / buildx {bake}, {kind:<13} {ratio:6.2f}  (bake / planner {1 / ratio:5.1f})")


if __name__ == "__main__":
    main()
