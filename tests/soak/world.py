"""The world of a soak: two buildkitds that get killed, a registry that fails, a planner that gets killed, and checks
that nothing is stale and nothing is lost.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from planner.errors import RegistryError
from planner.model.build import Store
from planner.registry.client import HttpRegistry
from planner.registry.whole import blobs, whole
from tests.engine.buildkit import Buildkitd
from tests.engine.engine import Engine
from tests.registry.faults import Fault, Proxy, faulty
from tests.soak.family import SoakFamily, new_family
from tests.soak.registry import SoakRegistry
from tests.workspace import IDENTITY

PREFIX = "soak"
ALL_RECORDS_EVERY = 10
COMPLETE_EVERY = 3
PRUNE_EVERY = 25
LAYER = 64 << 20


class Stale(AssertionError):
    """An image is not what a fresh build would give."""


class Lost(AssertionError):
    """A record names what cannot be pulled, or a run that nothing disturbed did not complete."""


@dataclass
class Counts:
    """What happened in a soak."""

    cycles: int = 0
    ended_well: int = 0
    failed: int = 0
    planner_killed: int = 0
    builder_killed: int = 0
    faults: int = 0
    retries: int = 0
    moves: int = 0
    built: int = 0
    compared: int = 0
    pulled: int = 0
    cleaned: int = 0
    gc_failed: int = 0


@dataclass
class World:
    """Everything of one soak. `cycle` does one round and raises Stale or Lost."""

    engine: Engine
    registry: SoakRegistry
    proxy: Proxy
    daemons: list[Buildkitd]
    family: SoakFamily
    chance: random.Random
    counts: Counts = field(default_factory=Counts)
    states: dict[str, str] = field(default_factory=dict)
    planner_memory: int = 0
    gone: set[tuple[str, str, str]] = field(default_factory=set)
    """Records of what a clean-up removed."""

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **IDENTITY, **self.engine.environment, "NO_COLOR": "1"}

    @property
    def direct(self) -> str:
        """Where the images are, past the proxy."""
        return f"{self.registry.address}/{PREFIX}"

    def cycle(self) -> None:
        """Edit, plan, build amid what may go wrong, and look."""
        self.counts.cycles += 1
        self.family.edit(self.chance)
        keys = self.planned()
        self.build(disturbed=True)
        self.check(keys)
        if self.counts.cycles % COMPLETE_EVERY == 0:
            self.build(disturbed=False)
            self.check(keys, complete=True)
        if self.counts.cycles % ALL_RECORDS_EVERY == 0:
            self.check_all_records()
        if self.counts.cycles % PRUNE_EVERY == 0:
            self.prune()

    def planned(self) -> dict[str, str]:
        """The keys that a plan gives now."""
        run = self.family.workspace.planner("plan", "--push", "--format", "json", **self.engine.environment)
        if run.returncode:
            raise Lost(f"a plan failed:\n{run.stderr}")
        return {image["name"]: image["key"] for image in json.loads(run.stdout)["images"]}

    def build(self, *, disturbed: bool) -> None:
        """A build that pushes; undisturbed it must end well."""
        self.proxy.arm(None)
        if disturbed and self.chance.random() < 0.4:
            fault = self.chance.choice(list(Fault))
            self.proxy.arm(fault, at=self.chance.randrange(120), times=self.chance.choice([1, 3, 20]))
            self.counts.faults += 1
        pool = ",".join(f"buildkit:{daemon.address}" for daemon in self.daemons)
        words = ["build", "--push", "--builder", pool, "--lease", "2", "-j", "2", "--format", "json"]
        words += ["--all"] if disturbed and self.chance.random() < 0.2 else []
        words += ["-k"] if self.chance.random() < 0.5 else []
        with self.disturbances(disturbed) as kill_planner, open(self.family.workspace.root / ".said", "w+") as said:
            run = subprocess.Popen(
                [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(self.family.workspace.root), *words],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
            timer = threading.Timer(kill_planner, run.kill)
            if kill_planner:
                timer.start()
            assert run.stdout is not None
            out = run.stdout.read()
            _, status, usage = os.wait4(run.pid, 0)
            timer.cancel()
            run.returncode = os.waitstatus_to_exitcode(status)
            run.stdout.close()
            said.seek(0)
            err = said.read()
        self.proxy.arm(None)
        self.planner_memory = usage.ru_maxrss << 10
        self._count(run.returncode, out, err)
        if "Traceback" in err:
            raise Lost(f"a bug:\n{err}")
        if not disturbed and run.returncode:
            raise Lost(f"nothing was in the way, and yet:\n{err}")

    def _count(self, status: int, out: str, err: str) -> None:
        self.counts.planner_killed += status == -signal.SIGKILL
        self.counts.ended_well += status == 0
        self.counts.failed += status == 1
        self.counts.retries += err.count(": retry ")
        self.counts.moves += err.count(" went away, moved ")
        if status == 0:
            self.counts.built += sum(one["outcome"] == "built" for one in json.loads(out)["images"])

    @contextmanager
    def disturbances(self, wanted: bool) -> Iterator[float]:
        """Kill a builder while the block runs, and start it again; gives when to kill the planner, 0 for never."""
        kill_planner = self.chance.uniform(0.3, 4.0) if wanted and self.chance.random() < 0.3 else 0.0
        victim = self.chance.choice(self.daemons) if wanted and self.chance.random() < 0.2 else None
        timer = threading.Timer(self.chance.uniform(0.5, 3.0), victim.kill if victim else lambda: None)
        if victim:
            self.counts.builder_killed += 1
            timer.start()
        try:
            yield kill_planner
        finally:
            timer.cancel()
            if victim:
                timer.join()
            if victim and victim.server and victim.server.process.poll() is not None:
                victim.start()

    def check(self, keys: dict[str, str], *, complete: bool = False) -> None:
        """What is published or recorded under the present keys is whole and holds what it must."""
        registry = HttpRegistry()
        recorded = {(name, key): digest for name, key, digest in self.records(gone=complete)}
        for name, key in keys.items():
            repository = f"{self.direct}/{name}"
            tagged = registry.digest_of(repository, key)
            if complete and (tagged is None or (name, key) not in recorded):
                raise Lost(f"{name} is not there in its present state {key} after a build that ended well")
            for digest in {found for found in (tagged, recorded.get((name, key))) if found}:
                self._pull(registry, name, digest)
                if self._state(registry, name, digest) != self.family.state(name):
                    raise Stale(
                        f"{name} {digest} under {key}: {self.states[digest]!r}, not {self.family.state(name)!r}"
                    )
                self.counts.compared += 1
        if complete:
            self.gone = {one for one in self.gone if one[:2] not in keys.items()}

    def check_all_records(self) -> None:
        """Every record's image can be pulled, but for what a clean-up removed."""
        registry = HttpRegistry()
        for name, _, digest in self.records():
            self._pull(registry, name, digest)

    def _pull(self, registry: HttpRegistry, name: str, digest: str) -> None:
        try:
            whole(registry, f"{self.direct}/{name}", digest)
        except RegistryError as error:
            raise Lost(f"a record of {name} names {digest}: {error}") from error
        self.counts.pulled += 1

    def records(self, *, gone: bool = False) -> list[tuple[str, str, str]]:
        """Image, key and digest of every local record; with `gone`, of those too whose images a clean-up removed."""
        place = self.family.workspace.root / ".planner" / "records.sqlite"
        if not place.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT image, key, digest FROM records WHERE store = ?", (Store.REGISTRY.value,))
            rows = [(str(image), str(key), str(digest)) for image, key, digest in found.fetchall()]
            return [row for row in rows if gone or row not in self.gone]

    def _state(self, registry: HttpRegistry, name: str, digest: str) -> str:
        """`/state` of a published image; equal digests are read once."""
        if digest not in self.states:
            self.states[digest] = read_state(registry, f"{self.direct}/{name}", digest)
        return self.states[digest]

    def prune(self) -> None:
        """Drop what the builders keep, so that the next builds are fresh, and the compared states with it.

        BuildKit's history of builds is dropped first: it keeps what was exported.
        """
        self.states.clear()
        for daemon in self.daemons:
            for words in (["prune-histories"], ["prune", "--all"]):
                argv = [self.engine.buildctl, "--addr", daemon.address, *words]
                subprocess.run(argv, env=self.environment, capture_output=True, check=True)

    def measure(self) -> dict[str, float]:
        """Memory (bytes) and disk (bytes), by what holds it. The journal is bounded and grows up to its bound."""
        state = self.family.workspace.root / ".planner"
        return {
            "planner, memory": float(self.planner_memory),
            "builders, memory": float(sum(memory(daemon) for daemon in self.daemons)),
            "state folder, disk": float(size(state) - size(state / "journal.jsonl")),
            "journal, disk": float(size(state / "journal.jsonl")),
            "registry, disk": float(size(self.registry.folder / "storage")),
            "builders, disk": float(sum(size(daemon.folder / "state") for daemon in self.daemons)),
        }


def read_state(registry: HttpRegistry, repository: str, digest: str) -> str:
    """The text of `/state` in the last layer that has one."""
    _, document = registry.manifest(repository, digest)
    for layer, _ in reversed(blobs(document)[1:]):
        data = gzip.decompress(registry.blob(repository, layer, LAYER))
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if member.name.lstrip("./") == "state":
                    stream = archive.extractfile(member)
                    assert stream is not None
                    return stream.read().decode()
    raise Stale(f"{repository}@{digest} holds no state")


def memory(daemon: Buildkitd) -> int:
    """Resident memory of a running buildkitd, in bytes."""
    assert daemon.server is not None
    for line in Path(f"/proc/{daemon.server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    return 0


def size(folder: Path) -> int:
    """Bytes on disk of all files below a folder; what vanishes meanwhile counts for nothing."""
    run = subprocess.run(["du", "-s", "--block-size=1", folder], capture_output=True, text=True, check=False)
    return int(run.stdout.split()[0]) if run.stdout else 0


@contextmanager
def soaking(engine: Engine, folder: Path, seed: int) -> Iterator[World]:
    """A world; its buildkitds end with the block."""
    own = SoakRegistry(engine.programs / "registry", engine.folder / f"{folder.name}-registry")
    with ExitStack() as ending:
        ending.callback(own.stop)
        proxy = ending.enter_context(faulty(own.address))
        daemons, registries = [], (engine.registry.address, own.address)
        for name in ("one", "two"):
            place = engine.folder / f"{folder.name}-{name}"
            daemon = Buildkitd(engine.programs, place, registries=registries, mirror=engine.registry.address)
            ending.callback(daemon.stop)
            daemon.start()
            daemons.append(daemon)
        family = new_family(folder / "family", f"{proxy.address}/{PREFIX}")
        chance = random.Random(seed)  # noqa: S311 -- the same soak again by its seed
        yield World(engine, own, proxy, daemons, family, chance)
