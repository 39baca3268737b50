"""`kill -9` at random points of `gc --apply` and of `pin --write`, and what must hold after each.

python -m tests.registry.killed [KILLS] kills each of them that often; prints what came of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from planner.registry.artefact import is_record
from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from planner.registry.whole import whole
from tests.engine.install import ENGINE
from tests.engine.registry import running_registry
from tests.progress import told
from tests.registry.faults import Proxy, faulty
from tests.registry.stocked import key_of, stock
from tests.workspace import IDENTITY, Workspace

CLIENT = HttpRegistry()
DAY = 86_400.0
GC = ("gc", "--apply", "--wait", "0", "--grace", "0", "--ref", "main", "--last", "1")
SETTLED = 3
"""Every so many kills a run goes to its end in between."""


@dataclass
class Count:
    """What was done."""

    runs: int = 0
    killed: int = 0
    completed: int = 0
    at: list[str] = field(default_factory=list)
    """What was asked, or how far the run was, when it was killed."""


def started(space: Workspace, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), *arguments],
        env={**os.environ, **IDENTITY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class CleanUp:
    """One image whose current version, and an older one that is pinned, must survive every clean-up."""

    def __init__(self, root: Path, proxy: Proxy, upstream: str) -> None:
        self.proxy = proxy
        self.space = Workspace(root)
        path = f"killed-{root.parent.name.lower().replace('_', '-')[-30:].strip('-')}"
        self.repository = f"{upstream}/{path}/tool"
        graph = f"version: 1\nregistry: {proxy.address}/{path}\nimages: {{tool: {{}}}}\n"
        self.space.write({"images.yaml": graph, "Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
        self.pinned = stock(CLIENT, self.repository, key_of(0), at=time.time() - 90 * DAY)
        self.space.write({"deploy.yaml": f"image: {self.repository}@{self.pinned}\n"})
        self.space.commit()
        self.key = self.space.keys()["tool"]
        self.current = stock(CLIENT, self.repository, self.key, at=time.time())
        self.versions = 0

    def leave_old_ones(self, count: int = 2) -> None:
        for _ in range(count):
            self.versions += 1
            stock(CLIENT, self.repository, key_of(self.versions), at=time.time() - 90 * DAY)

    def requests(self) -> int:
        """How many a whole run makes that puts something away, and deletes what the one before put away."""
        for _ in range(2):
            self.leave_old_ones()
            self.proxy.arm(None)
            run = self.space.planner(*GC)
            assert run.returncode == 0, run.stderr
        return self.proxy.number

    def killed_at(self, when: Callable[[int, str], bool]) -> str:
        """Kill at the request that fits, by number and line; gives its method, "" where the run ended before."""
        seen: list[str] = []
        run = started(self.space, *GC)

        def kill(at: int, line: str) -> None:
            if when(at, line):
                seen.append(line.partition("/v2/")[0].strip())
                with contextlib.suppress(ProcessLookupError):
                    run.kill()

        self.proxy.arm(None)
        self.proxy.on_request = kill
        status = run.wait(timeout=300)
        self.proxy.on_request = None
        return seen[0] if status and seen else ""

    def expect_sound(self) -> None:
        """What is live is whole and tagged; no tag and no record leads to something that is not there."""
        for digest in (self.current, self.pinned):
            whole(CLIENT, self.repository, digest)
        assert CLIENT.digest_of(self.repository, self.key) == self.current
        record = CLIENT.fetch(self.repository, f"rec-{self.key}")
        assert record is not None
        for tag in tags_of(CLIENT, self.repository):
            if tag.startswith("gc-"):
                continue
            found = whole(CLIENT, self.repository, CLIENT.digest_of(self.repository, tag) or "none")
            if is_record(found.document):
                whole(CLIENT, self.repository, found.document["subject"]["digest"])

    def complete(self) -> None:
        """A run to its end, and one more that deletes what it put away: then only what is live is left."""
        for _ in range(2):
            run = self.space.planner(*GC)
            assert run.returncode == 0, run.stderr
        self.expect_sound()
        left = {tag for tag in tags_of(CLIENT, self.repository) if not tag.startswith("sha256-")}
        wanted = {f"{prefix}{key}" for prefix in ("", "rec-", "res-") for key in (self.key, key_of(0))}
        assert left <= wanted, left - wanted


def kill_gc(root: Path, proxy: Proxy, upstream: str, shares: Iterable[float]) -> Count:
    """Kill at each of these shares (0 to 1) of the requests of a whole run, with more to remove each time."""
    clean_up, count = CleanUp(root, proxy, upstream), Count()
    requests = clean_up.requests()
    for turn, share in enumerate(shares, 1):
        clean_up.leave_old_ones()
        count.runs += 1
        number = int(share * requests)
        at = clean_up.killed_at(lambda at, _, number=number: at == number)
        count.killed += bool(at)
        count.at += [at] if at else []
        clean_up.expect_sound()
        if turn % SETTLED == 0:
            clean_up.complete()
            count.completed += 1
    clean_up.complete()
    count.completed += 1
    return count


FILES = 40
LINES = 20


class Pins:
    """Files that pin an image, whose digest moves with every turn."""

    def __init__(self, root: Path, address: str) -> None:
        self.space = Workspace(root)
        path = f"pinned-{root.parent.name.lower().replace('_', '-')[-30:].strip('-')}"
        self.repository = f"{address}/{path}/tool"
        graph = f"version: 1\nregistry: {address}/{path}\nimages: {{tool: {{context: tool}}}}\n"
        self.digest = f"sha256:{'1' * 64}"
        self.space.write({"images.yaml": graph, "tool/Dockerfile": "FROM scratch\nCOPY file /\n", "tool/file": "0\n"})
        self.space.write({f"deploy/{number}.yaml": self.text(self.digest) for number in range(FILES)})
        self.space.commit()
        self.turn = 0

    def text(self, digest: str) -> str:
        return f"image: {self.repository}@{digest}\n" * LINES

    def move(self) -> None:
        """A new state of the image is published."""
        self.turn += 1
        self.space.write({"tool/file": f"{self.turn}\n"})
        self.digest = stock(CLIENT, self.repository, self.space.keys()["tool"], at=time.time())

    def states(self) -> list[str]:
        return [(self.space.root / f"deploy/{number}.yaml").read_text() for number in range(FILES)]

    def killed_when(self, edited: int, before: Sequence[str]) -> int:
        """Kill once so many files are edited; gives how many were, -1 where the run ended before."""
        run = started(self.space, "pin", "--write")
        place = self.space.root / f"deploy/{_last_of(edited)}"
        inode = place.stat().st_ino
        while run.poll() is None:
            if place.stat().st_ino != inode:
                run.kill()
                break
            time.sleep(0.0003)
        return sum(one != two for one, two in zip(before, self.states(), strict=True)) if run.wait(60) else -1

    def expect_sound(self, before: Sequence[str]) -> None:
        """Every file is as it was or as it shall be, whole; nothing else lies about in the tree."""
        after = self.text(self.digest)
        for old, now in zip(before, self.states(), strict=True):
            assert now in (old, after), now[:200]
        strays = self.space.git("status", "--porcelain", "--untracked-files=all")
        assert "??" not in strays, strays

    def complete(self) -> None:
        run = self.space.planner("pin", "--write")
        assert run.returncode == 0, run.stderr
        assert self.space.planner("pin", "--check").returncode == 0
        assert set(self.states()) == {self.text(self.digest)}


def _last_of(edited: int) -> str:
    """The file that is edited as the last one of so many: they go in the order of their names."""
    return sorted(f"{number}.yaml" for number in range(FILES))[edited]


def kill_pin(root: Path, address: str, points: Iterable[int]) -> Count:
    """Kill once so many files are edited, for each of these."""
    pins, count = Pins(root, address), Count()
    pins.move()
    pins.complete()
    for turn, edited in enumerate(points, 1):
        pins.move()
        before = pins.states()
        count.runs += 1
        at = pins.killed_when(edited, before)
        count.killed += at >= 0
        count.at += [str(at)] if at >= 0 else []
        pins.expect_sound(before)
        if turn % SETTLED == 0:
            pins.complete()
            count.completed += 1
    pins.complete()
    count.completed += 1
    return count


def main() -> None:
    """Random kills; prints how many there were."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    chance = random.Random(1)  # noqa: S311 -- drawn again by its seed
    program = ENGINE.bin_folder() / "registry"
    with (
        tempfile.TemporaryDirectory() as folder,
        running_registry(program, Path(folder) / "registry") as registry,
        faulty(registry.address) as proxy,
    ):
        parts: dict[str, Callable[[], Count]] = {
            "gc --apply": lambda: kill_gc(
                Path(folder) / "gc",
                proxy,
                registry.address,
                told([chance.random() for _ in range(wanted)], "gc --apply"),
            ),
            "pin --write": lambda: kill_pin(
                Path(folder) / "pin",
                registry.address,
                told([chance.randrange(FILES) for _ in range(wanted)], "pin --write"),
            ),
        }
        for name, part in parts.items():
            count = part()
            at = {word: count.at.count(word) for word in sorted(set(count.at))} if name.startswith("gc") else {}
            done = {"runs": count.runs, "killed": count.killed, "completed": count.completed, "violations": 0}
            print(json.dumps({"command": name, **done, **({"at": at} if at else {})}), flush=True)


if __name__ == "__main__":
    main()
