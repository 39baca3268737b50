"""Leases: of two runs that want the same key one builds and the other reuses, and a dead run is waited for no longer
than its lease says.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from planner.model.image import ImageName
from planner.registry import artefact
from planner.registry.artefact import CREATED, PREFIX, record_tag
from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from planner.registry.leases import LEASE, Held, RegistryLeases, lease_tag
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space, spoil_record
from tests.engine.engine import Engine
from tests.registry.faults import faulty
from tests.registry.test_client import answering
from tests.workspace import IDENTITY

SLOW = "FROM ubuntu:22.04\nCOPY base.txt /base.txt\nRUN sleep 3; cp /base.txt /made.txt\n"
NAME = ImageName("x")
KEY = "x3-" + "1" * 32


def start(space: BuildSpace, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "build", "--push", *arguments],
        env={**os.environ, **IDENTITY, **space.engine.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcomes(run: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    return {image["name"]: image for image in json.loads(out)["images"]}, err


def test_two_runs_build_each_image_once(tmp_path: Path, engine: Engine, prefix: str) -> None:
    space = published_space(tmp_path / "a", engine, prefix, base__Dockerfile=SLOW)
    other = clone(space, tmp_path / "b")
    runs = [outcomes(run) for run in [start(one, "--format", "json") for one in (space, other)]]
    for name in ("base", "tool", "app", "side"):
        ended = Counter(images[name]["outcome"] for images, _ in runs)
        assert ended == {"built": 1, "reused": 1}, name
        assert len({images[name]["digest"] for images, _ in runs}) == 1
    assert any("base: waiting for " in err and "which builds x3-" in err for _, err in runs)
    for name in ("base", "tool", "app", "side"):
        tags = engine.registry.tags(f"{prefix.partition('/')[2]}/{name}")
        assert not [tag for tag in tags if tag.startswith("lease-")], "a lease is given up with the build"


def test_what_another_run_built_is_recorded_whole(tmp_path: Path, engine: Engine) -> None:
    """Though the other record cannot be read: the key is the same, and so is all that stands behind it."""
    with faulty(engine.registry.address) as proxy:
        space = published_space(tmp_path / "a", engine, f"{proxy.address}/whole-record")
        other = clone(space, tmp_path / "b")
        repository, key = f"{engine.registry.address}/whole-record/base", space.keys()["base"]
        said: list[dict[str, Any]] = []

        def publish(_: int, line: str) -> None:
            if not said and line.startswith("GET /v2/whole-record/base/manifests/lease-"):
                said.append({})
                space.build("--push", "base")
                said.append(spoil_record(repository, key))

        proxy.on_request = publish
        built = other.build("--push", "base")
        proxy.on_request = None
    assert built["base"]["outcome"] == "reused"
    client = HttpRegistry()
    written = artefact.summary((client.fetch(repository, record_tag(key)) or pytest.fail("is gone")).document)
    assert written.created == said[1][CREATED], "the time of the build"
    record = artefact.unpack(client.blob(repository, written.layer, written.size), repository)
    assert json.loads(record.manifests)[0]["image"] == "base"


def test_a_dead_run_is_waited_for_as_long_as_its_lease_says(tmp_path: Path, engine: Engine, prefix: str) -> None:
    space = published_space(tmp_path / "a", engine, prefix, base__Dockerfile=SLOW.replace("sleep 3", "sleep 30"))
    dead = start(space, "base", "--lease", "4")
    wait_until(lambda: lease_of(prefix))
    time.sleep(1)
    dead.send_signal(signal.SIGKILL)
    dead.communicate()
    left = lease_of(prefix)
    other = clone(space, tmp_path / "b")
    other.write({"base.Dockerfile": SLOW.replace("sleep 3", "sleep 30")})
    run = start(other, "base", "--lease", "4", "--builder", f"buildkit:{engine.address}")
    wait_until(lambda: lease_of(prefix) not in ("", left))
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert f"waiting for {os.uname().nodename}, process {dead.pid}" in err


def lease_of(prefix: str) -> str:
    """The digest of the lease of `base`, another one for each owner and heartbeat; "" for none."""
    registry, repository = HttpRegistry(), f"{prefix}/base"
    tags = [tag for tag in tags_of(registry, repository) if tag.startswith("lease-")]
    return (registry.digest_of(repository, tags[0]) or "") if tags else ""


def wait_until(happened: Callable[[], object]) -> None:
    """Until it has happened, a minute at most."""
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until, "it did not happen within a minute"
        time.sleep(0.1)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.during: dict[int, Any] = {}
        self.turns = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.turns += 1
        self.during.get(self.turns, lambda: None)()


def leases(prefix: str, folder: Path, owner: str, clock: Clock, seconds: float = 10.0) -> RegistryLeases:
    published = PublishedRecords(HttpRegistry(), prefix, Snapshot(folder / owner))
    return RegistryLeases(published, owner, seconds, lambda: clock.now, clock.sleep)


def held(one: RegistryLeases, prefix: str, beats: int = 1) -> Held:
    made = Held(one, f"{prefix}/x", KEY)
    for _ in range(beats):
        made.write()
    return made


def test_a_lease_that_is_renewed_is_waited_for_however_long(tmp_path: Path, prefix: str) -> None:
    clock = Clock()
    mine = held(leases(prefix, tmp_path, "mine", clock), prefix)
    for turn in range(5, 40, 5):
        clock.during[turn] = mine.write
    said: list[str] = []
    waiter = leases(prefix, tmp_path, "other", clock)
    got = waiter.take(NAME, KEY, said.append, lambda: False)
    assert isinstance(got, Held)
    assert clock.now > 35 + 10
    assert said == [f"waiting for mine, which builds {KEY}"]
    got.release()
    assert waiter.seen(f"{prefix}/x", KEY) is None


def test_a_lease_that_is_renewed_for_ever_keeps_nobody_for_ever(tmp_path: Path, prefix: str) -> None:
    clock = Clock()
    mine = held(leases(prefix, tmp_path, "mine", clock), prefix)
    for turn in range(5, 400, 5):
        clock.during[turn] = mine.write
    said: list[str] = []
    waiter = leases(prefix, tmp_path, "other", clock)
    waiter.patience = 60.0
    assert waiter.take(NAME, KEY, said.append, lambda: clock.now > 200) is None
    assert 60 <= clock.now < 70
    assert said == [f"waiting for mine, which builds {KEY}", f"waited long enough for mine: builds {KEY} too"]
    mine.release()


def test_a_lease_that_is_given_up_is_waited_for_no_longer(tmp_path: Path, prefix: str) -> None:
    clock = Clock()
    mine = held(leases(prefix, tmp_path, "mine", clock), prefix)
    clock.during[3] = mine.release
    got = leases(prefix, tmp_path, "other", clock).take(NAME, KEY, lambda _: None, lambda: False)
    assert isinstance(got, Held)
    assert clock.now < 5
    got.release()


def test_of_two_that_write_at_once_one_waits(tmp_path: Path, prefix: str) -> None:
    clock = Clock()
    clock.during[1] = lambda: held(leases(prefix, tmp_path, "faster", clock), prefix)
    said: list[str] = []
    ends = iter([False, False, True])
    got = leases(prefix, tmp_path, "other", clock).take(NAME, KEY, said.append, lambda: next(ends))
    assert got is None
    assert said == [f"waiting for faster, which builds {KEY}"]


@pytest.mark.parametrize("seconds", ["nan", "-1", "1e9", "x"])
def test_a_lease_that_makes_no_sense_is_none(engine: Engine, tmp_path: Path, prefix: str, seconds: str) -> None:
    clock = Clock()
    one = leases(prefix, tmp_path, "mine", clock)
    one.seconds = seconds  # type: ignore[assignment]
    held(one, prefix)
    got = leases(prefix, tmp_path, "other", clock).take(NAME, KEY, lambda _: None, lambda: False)
    assert isinstance(got, Held)
    got.release()


@pytest.mark.parametrize("seconds", [[], {}, None, True, pytest.param(10**400, id="huge")])
def test_a_lease_without_a_number_is_none(tmp_path: Path, seconds: object) -> None:
    """A registry that checks manifests keeps none of these; another one may say anything."""
    notes = {f"{PREFIX}seconds": seconds, f"{PREFIX}owner": "other"}
    body = json.dumps({"artifactType": LEASE, "annotations": notes}).encode()
    with answering({f"/v2/a/x/manifests/{lease_tag(KEY)}": (200, {}, body)}) as host:
        assert leases(f"{host}/a", tmp_path, "mine", Clock()).seen(f"{host}/a/x", KEY) is None


class Deaf(HttpRegistry):
    """The client of a registry that keeps no lease, though it says so."""

    def put(self, repository: str, reference: str, body: bytes, media_type: str) -> Mapping[str, str]:
        return {}


@pytest.mark.parametrize(("ends", "waited"), [(20.0, 20.0), (1e9, 60.0)])
def test_a_lease_that_cannot_be_had_keeps_nobody_for_ever(
    tmp_path: Path, prefix: str, ends: float, waited: float
) -> None:
    clock = Clock()
    dead = held(leases(prefix, tmp_path, "dead", clock), prefix)
    waiter = leases(prefix, tmp_path, "other", clock)
    waiter.registry = Deaf()
    waiter.patience = 60.0
    clock.during[1000] = lambda: pytest.fail("it tries for ever")
    said: list[str] = []
    assert waiter.take(NAME, KEY, said.append, lambda: clock.now >= ends) is None
    assert waited <= clock.now < waited + 2
    assert said[1:] == ([f"waited long enough for others: builds {KEY} too"] if waited == 60.0 else [])
    dead.release()


def test_without_a_registry_that_answers_there_is_no_lease(tmp_path: Path) -> None:
    assert leases("127.0.0.1:1/x", tmp_path, "mine", Clock()).take(NAME, KEY, lambda _: None, lambda: False) is None
    assert lease_tag(KEY) == f"lease-{KEY}"


def test_an_interrupted_run_gives_its_lease_up_to_a_silent_registry(engine: Engine, tmp_path: Path) -> None:
    """Its lease expires; nobody waits for minutes until it can be removed."""
    silent = threading.Event()
    with faulty(engine.registry.address) as proxy:
        space = published_space(tmp_path / "a", engine, f"{proxy.address}/l-silent", base__Dockerfile=SLOW)
        run = start(space, "base")
        assert run.stderr is not None
        try:
            assert any("RUN sleep" in line for line in run.stderr)
            proxy.on_request = lambda _, __: silent.wait(120) and None
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=40)
        finally:
            silent.set()
            run.kill()
    assert run.returncode == 130
