"""`kill -9` at any request of `build --push`: no record of what cannot be pulled, and the next run completes.

python -m tests.build.test_killed_push [KILLS] kills at that many random requests.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from planner.errors import RegistryError
from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space
from tests.build.sound import NAMES, Soundness
from tests.engine.engine import Engine, running_engine
from tests.progress import told
from tests.registry.faults import Proxy, faulty
from tests.registry.test_faults import KEY, NAME, publish, push
from tests.workspace import IDENTITY

PUSH = ("build", "--push", "--lease", "2")
SETTLED = 3
"""Every so many kills a run goes to its end in between, which takes over the leases of the dead one."""
FULL = 50
"""Every so many kills everything is read again, and not only what is new or moved."""
STAGES = (
    ("recorded, and not ended", re.compile(r"PUT .*/manifests/rec-x3-")),
    ("tagged, and not recorded", re.compile(r"PUT .*/manifests/(x3-|latest)")),
    ("pushed, and not tagged", re.compile(r"PUT .*/manifests/sha256:")),
    ("leased, and not pushed", re.compile(r"PUT .*/manifests/lease-")),
)
"""How far an image has come, by what was written of it; the first that fits."""
PLANNED = "planned"
LANES = 3
"""Families that are killed beside one another: a run waits more than it computes."""


@dataclass
class Count:
    """What was done. `at` are the method, and the stage of the image that the request was about, of every kill."""

    requests: int = 0
    runs: int = 0
    completed: int = 0
    at: list[tuple[str, str]] = field(default_factory=list)

    @property
    def killed(self) -> int:
        return len(self.at)


def stage(seen: Sequence[str], repository: str) -> str:
    """How far the image of a repository (PATH/NAME) had come with these requests."""
    own = [line for line in seen if f"/v2/{repository}/" in line]
    return next((name for name, write in STAGES if any(map(write.match, own))), PLANNED)


def killed_at(space: BuildSpace, proxy: Proxy, number: int) -> tuple[str, str] | None:
    """Run a push and kill it when the proxy gets its request of this number; where that was, None if it ended before.

    The stage is the one before this request, which the registry still gets.
    """
    run = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), *PUSH],
        env={**os.environ, **IDENTITY, **space.engine.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    places: list[tuple[str, str]] = []

    def kill(at: int, line: str) -> None:
        if at == number:
            with contextlib.suppress(ProcessLookupError):
                run.kill()
            method, _, path = line.partition(" ")
            repository = re.split(r"/(?:manifests|blobs|tags)/", path.removeprefix("/v2/"))[0]
            places.append((method, stage(proxy.seen[:at], repository)))

    proxy.arm(None)
    proxy.on_request = kill
    status = run.wait(timeout=120)
    proxy.on_request = None
    return places[0] if status and places else None


def kills(engine: Engine, proxy: Proxy, folder: Path, shares: Iterable[float]) -> Count:
    """Kill at each of these shares (0 to 1) of the requests of a whole run, each time with other contents."""
    prefix = f"{proxy.address}/killed-{folder.name.lower().replace('_', '-')[-30:].strip('-')}"
    space = published_space(folder / "a", engine, prefix, base__txt=f"{folder.name}\n")
    sound, count = Soundness(f"{proxy.upstream}/{prefix.partition('/')[2]}"), Count()
    space.build(*PUSH[1:])
    space.write({"base.txt": f"{folder.name} counted\n"})
    proxy.arm(None)
    space.build(*PUSH[1:])
    count.requests = proxy.number
    for turn, share in enumerate(shares, 1):
        space.write({"base.txt": f"{folder.name} {turn}\n"})
        count.runs += 1
        place = killed_at(space, proxy, int(share * count.requests))
        count.at += [place] if place else []
        sound.expect(full=turn % FULL == 0)
        if turn % SETTLED == 0:
            space.build(*PUSH[1:])
            count.completed += 1
            sound.expect()
    last = space.build(*PUSH[1:])
    space.commit()
    other = clone(space, folder / "b").build("--push")
    count.completed += 2
    assert {image["outcome"] for name, image in other.items() if name} == {"reused"}
    assert {name: one["digest"] for name, one in last.items() if name} == {
        name: one["digest"] for name, one in other.items() if name
    }
    assert sound.expect(full=True) >= len(NAMES) * count.completed
    return count


def test_killed_at_requests_of_every_stage(engine: Engine, tmp_path: Path) -> None:
    with faulty(engine.registry.address) as proxy:
        count = kills(engine, proxy, tmp_path, [0.1, 0.4, 0.6, 0.9])
    assert count.killed >= 3
    assert len({stage for _, stage in count.at}) >= 2


def test_a_look_sees_what_moved_and_a_full_one_what_went(engine: Engine, tmp_path: Path) -> None:
    client, address, path = HttpRegistry(), engine.registry.address, "sound"
    repository = f"{address}/{path}/{NAME}"
    sound = Soundness(f"{address}/{path}", [NAME])
    digest, other = push(address, f"{path}/{NAME}"), push(address, f"{path}/{NAME}", "other")
    publish(f"{address}/{path}", digest, tmp_path)
    assert sound.expect() == len(tags_of(client, repository)) > 4
    client.tag(repository, other, KEY)
    with pytest.raises(AssertionError):
        sound.expect()
    client.tag(repository, digest, KEY)
    sound.expect()
    client.delete(repository, client.manifest(repository, digest)[1]["manifests"][0]["digest"])
    sound.expect()
    with pytest.raises(RegistryError):
        sound.expect(full=True)


def lane(engine: Engine, folder: Path, shares: Sequence[float]) -> Count:
    with faulty(engine.registry.address) as proxy:
        return kills(engine, proxy, folder, told(shares, f"build --push, {folder.name}"))


def main() -> None:
    """Random kills; prints how many there were, and where."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    chance = random.Random(1)  # noqa: S311 -- drawn again by its seed
    shares = [chance.random() for _ in range(wanted)]
    begun = time.monotonic()
    with running_engine(["ubuntu:22.04"]) as engine, tempfile.TemporaryDirectory() as folder:
        with ThreadPoolExecutor(LANES) as pool:
            lanes = [pool.submit(lane, engine, Path(folder) / f"lane-{at}", shares[at::LANES]) for at in range(LANES)]
        counts = [one.result() for one in lanes]
    done = {
        "requests": [count.requests for count in counts],
        "runs": sum(count.runs for count in counts),
        "killed": sum(count.killed for count in counts),
        "completed": sum(count.completed for count in counts),
        "violations": 0,
        "seconds": round(time.monotonic() - begun),
    }
    at = Counter(place for count in counts for place in count.at)
    print(
        json.dumps({**done, "at": {f"{method} {stage}": at[method, stage] for method, stage in sorted(at)}}, indent=1)
    )


if __name__ == "__main__":
    main()
