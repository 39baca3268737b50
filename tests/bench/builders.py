"""Measures, interleaved in one run, one family on one buildkitd and on two, by the planner and by Bake.

python -m tests.bench.builders [--images 24] [--rounds 3] [--seconds 1.0] [--jobs 2]

Each image sleeps in its RUN, so that what is measured is how builds are spread, not the two processors under all of
them. Bake gets the two as one builder (`buildx create --append`). Each buildkitd runs at most `--jobs` steps at once
(`max-parallelism`), so that both have the same room.
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
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.bench.build import timed
from tests.bench.family import BASES, FAN
from tests.engine.buildkit import Buildkitd
from tests.engine.engine import Engine, running_engine
from tests.workspace import IDENTITY, Workspace

REGISTRY = "registry.example/family"


def write_sleeping(root: Path, images: int, seconds: float) -> Workspace:
    """A family of chains and fans whose steps sleep, and its Bake file."""
    workspace = Workspace(root)
    graph = ["version: 1", f"registry: {REGISTRY}", "images:"]
    targets: dict[str, object] = {}
    for number in range(images):
        above = f"image{number // FAN}" if number >= BASES else ""
        parent = f"{REGISTRY}/{above}" if above else "ubuntu:22.04"
        dockerfile = f"FROM {parent}\nRUN sleep {seconds}; echo {number} > /made{number}\n"
        workspace.write({f"image{number}/Dockerfile": dockerfile})
        graph.append(f"  image{number}: {{context: image{number}}}")
        targets[f"image{number}"] = {
            "context": f"image{number}",
            "contexts": {parent: f"target:{above}"} if above else {},
            "output": [f"type=oci,dest=../out-image{number},tar=false"],
            "attest": [],
        }
    bake = {"group": {"default": {"targets": list(targets)}}, "target": targets}
    workspace.write({"images.yaml": "\n".join(graph) + "\n", "docker-bake.json": json.dumps(bake)})
    workspace.commit()
    return workspace


def measure(engine: Engine, daemons: list[Buildkitd], options: argparse.Namespace, folder: Path) -> None:
    """Print the ratios, and what each builder of two built."""
    environment = {**os.environ, **IDENTITY, **engine.environment}
    space = write_sleeping(folder / "family", options.images, options.seconds)
    for name, chosen in (("single", daemons[:1]), ("double", daemons)):
        for number, daemon in enumerate(chosen):
            words = [engine.buildx, "create", "--driver", "remote", "--name", name]
            words += ["--append"] if number else []
            subprocess.run([*words, daemon.address], env=environment, capture_output=True, check=True)
    pool = [f"buildkit:{daemon.address}" for daemon in daemons]
    planner = [os.fspath(Path(sys.executable).with_name("planner")), "build", "--jobs", str(options.jobs)]
    bake = [engine.buildx, "bake", "--file=docker-bake.json", "--progress=quiet", "--allow=fs.write=*"]
    commands = {
        "planner on one": [*planner, "--builder", pool[0]],
        "planner on two": [*planner, "--builder", ",".join(pool)],
        "bake on one": [*bake, "--builder", "single"],
        "bake on two": [*bake, "--builder", "double"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    used: Counter[str] = Counter()
    refused: dict[str, str] = {}
    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
        for name, command in commands.items():
            for daemon in daemons:
                words = [engine.buildctl, "--addr", daemon.address, "prune", "--all"]
                subprocess.run(words, capture_output=True, check=True)
            shutil.rmtree(space.root / ".planner", ignore_errors=True)
            for place in folder.glob("out-*"):
                shutil.rmtree(place)
            try:
                times[name].append(timed(command, space.root, environment))
            except SystemExit as error:
                refused[name] = str(error)
            if name == "planner on two":
                for line in (space.root / ".planner" / "journal.jsonl").read_text().splitlines():
                    told = json.loads(line)
                    used[told.get("builder", "")] += told["event"] == "started"
    for name, said in refused.items():
        print(f"{name} failed:\n{said}")
    medians = {name: statistics.median(found) for name, found in times.items() if found}
    print(f"{options.images} images that sleep {options.seconds} s, {options.rounds} rounds, --jobs {options.jobs}")
    print("images built on each of two:", ", ".join(str(count) for count in used.values() if count))
    for one, other in (
        ("planner on two", "planner on one"),
        ("bake on two", "bake on one"),
        ("planner on two", "bake on two"),
        ("planner on one", "bake on one"),
    ):
        if one in medians and other in medians:
            print(f"{one} / {other}: {medians[one] / medians[other]:.2f}")


def main() -> None:
    """Two buildkitds that run so many steps at once as the planner starts builds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with ExitStack() as ending:
        folder = ending.enter_context(tempfile.TemporaryDirectory())
        engine = ending.enter_context(running_engine(["ubuntu:22.04"]))
        daemons = []
        for number in range(2):
            mirror = engine.registry.address
            place = engine.folder / f"bench{number}"
            daemon = Buildkitd(engine.programs, place, registries=(mirror,), mirror=mirror, parallel=options.jobs)
            ending.callback(daemon.stop)
            daemon.start()
            daemons.append(daemon)
        measure(engine, daemons, options, Path(folder))


if __name__ == "__main__":
    main()
