"""The world of a soak: two buildkitds that get killed, a registry that fails, a planner that gets killed, and checks
that nothing is stale and nothing is lost.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.buildkit import Buildkitd
from tests.engine.engine import Engine
from tests.registry.faults import Fault, Proxy, faulty
from tests.soak.asking import Forks, asked
from tests.soak.checking import Checks, Lost
from tests.soak.family import SoakFamily, new_family
from tests.soak.registry import SoakRegistry
from tests.workspace import IDENTITY

PREFIX = "soak"
ALL_RECORDS_EVERY = 10
COMPLETE_EVERY = 5
PRUNE_EVERY = 25
LEASED = 0.3
"""The part of builds that hold leases: each costs a wait, and one that a killed run held is waited for."""


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
    forks: Forks
    checks: Checks
    chance: random.Random
    counts: Counts = field(default_factory=Counts)
    planner_memory: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """That of every run of the planner."""
        return environment(self.engine)

    def cycle(self) -> None:
        """Edit, plan, build amid what may go wrong, and look."""
        self.counts.cycles += 1
        self.family.edit(self.chance)
        keys = self.planned()
        self.build(disturbed=True)
        self.checks.present(keys)
        if self.counts.cycles % COMPLETE_EVERY == 0:
            self.build(disturbed=False)
            self.checks.present(keys, complete=True)
        if self.counts.cycles % ALL_RECORDS_EVERY == 0:
            self.checks.all_records()
        if self.counts.cycles % PRUNE_EVERY == 0:
            self.prune()
        self.counts.pulled, self.counts.compared = self.checks.pulled, self.checks.compared

    def planned(self) -> dict[str, str]:
        """The keys that a plan gives now."""
        run = asked(self.family.workspace.root, self.environment, "plan", "--push", "--format", "json")
        if run.status:
            raise Lost(f"a plan failed:\n{run.err}")
        return {image["name"]: image["key"] for image in json.loads(run.out)["images"]}

    def build(self, *, disturbed: bool) -> None:
        """A build that pushes; undisturbed it must end well."""
        self.proxy.arm(None)
        if disturbed and self.chance.random() < 0.4:
            fault = self.chance.choice(list(Fault))
            self.proxy.arm(fault, at=int(120 * self.chance.random() ** 2), times=self.chance.choice([1, 3, 20]))
            self.counts.faults += 1
        pool = ",".join(f"buildkit:{daemon.address}" for daemon in self.daemons)
        lease = "2" if self.chance.random() < LEASED else "0"
        words = ["build", "--push", "--builder", pool, "--lease", lease, "-j", "2", "--format", "json"]
        words += ["--all"] if disturbed and self.chance.random() < 0.1 else []
        words += ["-k"] if self.chance.random() < 0.5 else []
        with self.disturbances(disturbed) as kill_planner:
            run = self.forks.run(self.family.workspace.root, *words, kill_after=kill_planner)
        self.proxy.arm(None)
        self.proxy.every.clear()
        self.planner_memory = run.memory
        self._count(run.status, run.out, run.err)
        if "Traceback" in run.err or run.status not in (0, 1, -signal.SIGKILL):
            raise Lost(f"a bug, status {run.status}:\n{run.err}")
        if not disturbed and run.status:
            raise Lost(f"nothing was in the way, and yet:\n{run.err}")

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

    def prune(self) -> None:
        """Drop what the builders keep, so that the next builds are fresh, and what was looked at with it.

        BuildKit's history of builds is dropped first: it keeps what was exported.
        """
        self.checks.forget()
        for daemon in self.daemons:
            for words in (["prune-histories"], ["prune", "--all"]):
                argv = [self.engine.buildctl, "--addr", daemon.address, *words]
                subprocess.run(argv, env=self.environment, capture_output=True, check=True)


def environment(engine: Engine) -> dict[str, str]:
    """Nobody's credentials, builders or settings but those of an engine."""
    return {**os.environ, **IDENTITY, **engine.environment, "NO_COLOR": "1"}


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
        forks = Forks(folder / "forks", environment(engine))
        ending.callback(forks.close)
        checks = Checks(family, f"{own.address}/{PREFIX}")
        chance = random.Random(seed)  # noqa: S311 -- the same soak again by its seed
        yield World(engine, own, proxy, daemons, family, forks, checks, chance)
