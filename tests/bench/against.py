"""Measures what `plan --against` a registry on loopback costs beside the local plan of the same family, as ratios.

python -m tests.bench.against [--images 1000] [--rounds 5]
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from planner.model.build import Record, Store, Stored
from planner.model.image import ImageName
from planner.registry.artefact import EMPTY_BLOB, MANIFEST
from planner.registry.client import HttpRegistry, digest_of
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from tests.bench.family import BASES, FAN
from tests.engine.install import ENGINE
from tests.engine.registry import running_registry
from tests.workspace import IDENTITY, Workspace


def write(root: Path, images: int, registry: str) -> Workspace:
    """A family of chains and fans, never built."""
    space = Workspace(root)
    graph = ["version: 1", f"registry: {registry}", "images:"]
    for number in range(images):
        parent = f"{registry}/image{number // FAN}" if number >= BASES else "ubuntu:22.04"
        space.write({f"{number}/Dockerfile": f"FROM {parent}\nCOPY file /\n", f"{number}/file": f"{number}\n"})
        graph.append(f"  image{number}: {{context: '{number}'}}")
    space.write({"images.yaml": "\n".join(graph) + "\n"})
    space.commit()
    return space


def publish(space: Workspace, registry: str, folder: Path) -> None:
    """An image and its record for every key."""
    published = PublishedRecords(HttpRegistry(), registry, Snapshot(folder))
    client = published.registry
    assert client is not None

    def one(entry: tuple[str, str]) -> None:
        name, key = entry
        repository = f"{registry}/{name}"
        config = client.put_blob(repository, EMPTY_BLOB)
        layer = client.put_blob(repository, name.encode())
        kind = "application/vnd.oci.image.config.v1+json"
        image = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": kind, "digest": config, "size": len(EMPTY_BLOB)},
            "layers": [{"mediaType": "application/x", "digest": layer, "size": len(name)}],
        }
        body = json.dumps(image).encode()
        for tag in (digest_of(body), key):
            client.put(repository, tag, body, MANIFEST)
        stored = Stored(store=Store.REGISTRY, digest=digest_of(body), repository=repository)
        published.add(
            Record(
                image=ImageName(name),
                platforms=("linux/amd64",),
                key=key,
                resolved_key=key,
                stored=stored,
                built_at=1.0,
                seconds=1.0,
                manifests="[]",
            )
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, space.keys().items()))


def timed(space: Workspace, *arguments: str) -> float:
    """Seconds of one plan, whose answer is checked."""
    environment = {**os.environ, **IDENTITY}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "plan", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if run.returncode or ("--against" in arguments and "0 of" not in run.stdout):
        raise SystemExit(f"the plan failed:\n{run.stdout[-500:]}{run.stderr[-2000:]}")
    return took


def main() -> None:
    """Print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    program = ENGINE.bin_folder() / "registry"
    with tempfile.TemporaryDirectory() as folder, running_registry(program, Path(folder) / "registry") as running:
        registry = f"{running.address}/family"
        space = write(Path(folder) / "family", options.images, registry)
        publish(space, registry, Path(folder) / "snapshot")
        timed(space, "--against", "published")  # writes byte code; it does not count
        timed(space)
        times: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            shutil.rmtree(space.root / ".planner", ignore_errors=True)
            times.setdefault("cold", []).append(timed(space, "--against", "published"))
            times.setdefault("warm", []).append(timed(space, "--against", "published"))
            times.setdefault("offline", []).append(timed(space, "--against", "published", "--offline"))
            times.setdefault("local", []).append(timed(space))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{options.images} images, {options.rounds} rounds, medians")
    for name in ("cold", "warm", "offline"):
        ratio = medians[name] / medians["local"]
        print(f"plan --against, {name:<8} {ratio:6.2f} of the local plan ({medians[name]:.2f} s)")


if __name__ == "__main__":
    main()
