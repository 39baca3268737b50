"""`kill -9` at any request of `build --push`: no record of what cannot be pulled, and the next run completes.

python -m tests.build.test_killed_push [KILLS] kills at that many random requests.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from planner.registry import artefact
from planner.registry.client import HttpRegistry
from planner.registry.whole import whole
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space
from tests.engine.engine import Engine, running_engine
from tests.progress import told
from tests.registry.faults import Proxy, faulty
from tests.workspace import IDENTITY

NAMES = ("base", "tool", "app", "side")


def killed_at(space: BuildSpace, proxy: Proxy, number: int) -> bool:
    """Run a push and kill it when the proxy gets its request of this number; whether it came to that."""
    run = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "build", "--push", "--lease", "2"],
        env={**os.environ, **IDENTITY, **space.engine.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def kill(at: int, _: str) -> None:
        if at == number:
            with contextlib.suppress(ProcessLookupError):
                run.kill()

    proxy.arm(None)
    proxy.on_request = kill
    status = run.wait(timeout=120)
    proxy.on_request = None
    return status != 0


def expect_sound(registry: str) -> None:
    """Every tag names something whole, and every record an image of its own key that can be pulled."""
    client = HttpRegistry()
    for name in NAMES:
        repository = f"{registry}/{name}"
        for tag in client.tags(repository):
            found = whole(client, repository, client.digest_of(repository, tag) or "none")
            if artefact.is_record(found.document):
                told = artefact.summary(found.document)
                assert told.image == name
                assert client.digest_of(repository, told.key) == told.digest
                whole(client, repository, told.digest)


def kills(engine: Engine, proxy: Proxy, folder: Path, numbers: Iterable[int]) -> tuple[int, dict[str, str]]:
    """Kill at each of these requests, each time with other contents; gives how many were killed."""
    prefix = f"{proxy.address}/killed-{folder.name.lower().replace('_', '-')[-30:].strip('-')}"
    space = published_space(folder / "a", engine, prefix)
    count = 0
    for turn, number in enumerate(numbers):
        space.write({"base.txt": f"{turn}\n"})
        count += killed_at(space, proxy, number)
        expect_sound(prefix)
        if turn % 3 == 0:
            space.build("--push", "--lease", "2")
            expect_sound(prefix)
    last = space.build("--push", "--lease", "2")
    space.commit()
    other = clone(space, folder / "b").build("--push")
    assert {image["outcome"] for name, image in other.items() if name} == {"reused"}
    return count, {name: image["digest"] for name, image in last.items() if name}


def test_killed_at_requests_of_every_stage(engine: Engine, tmp_path: Path) -> None:
    with faulty(engine.registry.address) as proxy:
        count, digests = kills(engine, proxy, tmp_path, [12, 55, 85, 140])
        assert count >= 3
        assert len(digests) == len(NAMES)


def main() -> None:
    """Random kills; prints how many there were."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    chance = random.Random(1)  # noqa: S311 -- drawn again by its seed
    numbers = [chance.randrange(200) for _ in range(wanted)]
    with (
        running_engine(["ubuntu:22.04"]) as engine,
        faulty(engine.registry.address) as proxy,
        tempfile.TemporaryDirectory() as folder,
    ):
        count, _ = kills(engine, proxy, Path(folder), told(numbers, "build --push"))
    print(json.dumps({"runs": wanted, "killed": count, "violations": 0}))


if __name__ == "__main__":
    main()
