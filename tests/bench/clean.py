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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from planner.registry.artefact import ARTEFACT, CREATED, EMPTY, EMPTY_BLOB, MANIFEST, written_time
from planner.registry.client import INDEXES, HttpRegistry, digest_of
from tests.engine.install import ENGINE
from tests.engine.registry import running_registry
from tests.workspace import IDENTITY, Workspace

OF_A_VERSION = 5
"""Manifests of one version: two platforms, their index, its record, and the list of what is attached to it."""
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


def document(media_type: str, **fields: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, **fields}, sort_keys=True).encode()


def entry(body: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}


def version(key: str, number: int, blob: str) -> Iterator[tuple[bytes, str, tuple[str, ...]]]:
    """The manifests of one version with their media types and tags, each after what it names."""
    config = {"mediaType": EMPTY, "digest": blob, "size": len(EMPTY_BLOB)}
    day = {CREATED: written_time(1e9 + number * 86_400)}
    parts = []
    for platform in ("amd64", "arm64"):
        note = {"image": f"{key} {platform}"}
        parts.append(document(MANIFEST, config=config, layers=[config], annotations=note))
        yield parts[-1], MANIFEST, ()
    index = document(INDEXES[0], manifests=[entry(part, MANIFEST) for part in parts])
    yield index, INDEXES[0], (key,)
    subject = entry(index, INDEXES[0])
    record = document(
        MANIFEST,
        artifactType=ARTEFACT,
        config=config,
        layers=[config],
        subject=subject,
        annotations={**day, "key": key},
    )
    yield record, MANIFEST, (f"rec-{key}", f"res-{key}", *(("rec-latest",) if number == 0 else ()))
    attached = {**entry(record, MANIFEST), "artifactType": ARTEFACT}
    yield document(INDEXES[0], manifests=[attached]), INDEXES[0], (digest_of(index).replace(":", "-"),)


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
            for body, media_type, tags in version(key, number, blob):
                count += 1
                for reference in tags or (digest_of(body),):
                    client.put(repository, reference, body, media_type)
        config = {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": blob, "size": len(EMPTY_BLOB)}
        client.put(repository, "cache-linux-amd64", document(MANIFEST, config=config, layers=[config]), MANIFEST)
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
    """Print medians; ends with 1 where the plan takes longer than is wanted, or overlooks something."""
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
    raise SystemExit(seconds > WANTED_SECONDS)


if __name__ == "__main__":
    main()
