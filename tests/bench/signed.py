"""What signatures cost a warm `planner plan --against`: `python -m tests.bench.signed [IMAGES]`, in processor seconds.

The images and records are small and true, in a real registry; the policy asks for signatures in every second round.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path

from planner.model.build import Record, Store, Stored
from planner.model.image import ImageName
from planner.registry.client import HttpRegistry
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from tests.engine.install import ENGINE
from tests.engine.registry import running_registry
from tests.trust.forging import POLICY
from tests.trust.pushing import Client
from tests.trust.sealing import Forger, right, section
from tests.workspace import Workspace

ROUNDS, TURNS = 2, 7


def spent() -> float:
    """Processor seconds of the children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(count: int) -> None:
    """Publish so many images, and plan against them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_registry(ENGINE.bin_folder() / "registry", Path(folder, "r")) as at,
    ):
        space = Workspace(Path(folder, "family"))
        prefix = f"{at.address}/f"
        names = [f"i{number}" for number in range(count)]
        listed = "".join(f"  {name}: {{dockerfile: {name}.Dockerfile}}\n" for name in names)
        head = f"version: 1\nregistry: {prefix}\nkeys: {{algorithm: sha256}}\nimages:\n"
        space.write({"images.yaml": head + listed})
        space.write({f"{name}.Dockerfile": f"FROM scratch\nCOPY {name}.txt /\n" for name in names})
        space.write({f"{name}.txt": name for name in names})
        space.commit()
        keys = space.keys()
        records = PublishedRecords(HttpRegistry(), prefix, Snapshot(Path(folder, "s")), Forger(right))
        for name in names:
            assert Client(at).image(f"f/{name}", keys[name], name.encode()) == 201
            digest = HttpRegistry().digest_of(f"{prefix}/{name}", keys[name])
            assert digest is not None
            stored = Stored(store=Store.REGISTRY, digest=digest, repository=f"{prefix}/{name}")
            records.add(
                Record(
                    image=ImageName(name),
                    platforms=("linux/amd64",),
                    key=keys[name],
                    resolved_key=keys[name],
                    stored=stored,
                    built_at=1.0,
                    seconds=1.0,
                    manifests="",
                )
            )
        policy = POLICY.format(address=at.address, path="f")
        for text in (policy, policy + section()) * ROUNDS:
            space.write({"policy.yaml": text})
            took = sorted(_plan(space) for _ in range(TURNS))
            what = "signed  " if "signing:" in text else "unsigned"
            print(f"{what} {count} images: least {took[0]:.2f} s, median {took[len(took) // 2]:.2f} s", flush=True)


def _plan(space: Workspace) -> float:
    before = spent()
    run = space.planner("plan", "--against", "published", "--format", "json")
    after = spent()
    assert run.returncode == 0, run.stderr
    assert {image["action"] for image in json.loads(run.stdout)["images"]} == {"reuse"}
    return after - before


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
