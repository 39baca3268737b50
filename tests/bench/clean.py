"""Measures what a plan of `planner gc` costs over thousands of manifests in a registry on loopback.

python -m tests.bench.clean [--manifests 5000] [--images 20] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from planner.registry.artefact import EMPTY_BLOB, MANIFEST
from planner.registry.client import HttpRegistry, digest_of
from tests.engine.install import ENGINE
from tests.engine.registry import running_registry
from tests.registry.stocked import OF_A_VERSION, layer_cache, version
from tests.workspace import IDENTITY, Workspace

WANTED_SECONDS = 20.0
PUSHERS = 8


def write(root: Path, images: int, registry: str) -> Workspace:
    """A family whose last commit is wanted."""
    space = Workspace(root)
    graph = ["version: 1", f"registry: {registry}", "images:"]
    for number in range(images):
        space.write({f"{number}/Dockerfile": "FROM scratch\nCOPY file /\n", f"{number}/file": f"{number}\n"})
        graph.append(f"  image{number}: {{context: '{number}', platforms: [linux/amd64, linux/arm64]}}")
    space.write({"images.yaml": "\n".join(graph) + "\n"})
    space.commit()
    return space


def publish(space: Workspace, registry: str, versions: int) -> int:
    """The wanted version of every image, older ones, and a layer cache for each; gives the number of manifests."""
    client = HttpRegistry()

    def one(given: tuple[str, str]) -> int:
        name, wanted = given
        repository = f"{registry}/{name}"
        blob = client.put_blob(repository, EMPTY_BLOB)
        count = 0
        for number in range(versions):
            key = wanted if number == 0 else f"x3-{digest_of(f'{name} {number}'.encode())[7:39]}"
            for body, media_type, tags in version(key, blob, at=1e9 + number * 86_400, newest=number == 0):
                count += 1
                for reference in tags or (digest_of(body),):
                    client.put(repository, reference, body, media_type)
        body = layer_cache(blob)
        client.put(repository, "cache-linux-amd64", body, MANIFEST)
        return count + 1

    with ThreadPoolExecutor(PUSHERS) as pool:
        return sum(pool.map(one, space.keys().items()))


def timed(space: Workspace) -> tuple[float, dict[str, object]]:
    """Seconds of one plan, and what it says."""
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "gc", "--format", "json"],
        env={**os.environ, **IDENTITY},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, json.loads(run.stdout)


def main() -> None:
    """Print medians; ends with an error where a plan overlooks something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifests", type=int, default=5000)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    program = ENGINE.bin_folder() / "registry"
    versions = options.manifests // options.images // OF_A_VERSION
    with tempfile.TemporaryDirectory() as folder, running_registry(program, Path(folder) / "registry") as running:
        registry = f"{running.address}/family"
        space = write(Path(folder) / "family", options.images, registry)
        began = time.perf_counter()
        count = publish(space, registry, versions)
        print(f"{count} manifests of {options.images} images pushed in {time.perf_counter() - began:.0f} s", flush=True)
        runs = [timed(space) for _ in range(options.rounds)]
    for _, answer in runs:
        manifests = answer["manifests"]
        assert isinstance(manifests, list)
        states = [one["state"] for one in manifests]
        if len(states) != count or states.count("drop") != (versions - 1) * options.images * OF_A_VERSION:
            raise SystemExit(f"the plan is wrong: {len(states)} manifests, {states.count('drop')} dropped")
    seconds = statistics.median(took for took, _ in runs)
    print(f"gc plan over {count} manifests: {seconds:.1f} s, median of {options.rounds} ({WANTED_SECONDS:.0f} wanted)")


if __name__ == "__main__":
    main()
