"""A registry whose disk is full at any step of a publication or of a clean-up: no record, no wrong tag, nothing lost,
and with room all completes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from planner.errors import RegistryError
from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from planner.registry.copying import copy, plan_copy
from tests.build.shared import clone, published_space
from tests.engine.engine import Engine
from tests.engine.registry import Registry, running_registry
from tests.registry.faults import Proxy
from tests.registry.killed import GC, CleanUp
from tests.registry.test_faults import DIRECT, KEY, NAME, expect_sound, impatient, look, publish, push

PAGE = os.sysconf("SC_PAGE_SIZE")
PLENTY = 64 << 20
STEPS = range(24)
"""Pages that are left: each small file takes one."""
CLEAN_UP_STEPS = range(10)


@dataclass(frozen=True, kw_only=True)
class Small:
    """A registry on a disk of its own, whose room can be changed."""

    registry: Registry
    disk: Path

    def leave(self, pages: int) -> None:
        """Leave this much room beside what is there."""
        state = os.statvfs(self.disk)
        used = (state.f_blocks - state.f_bfree) * state.f_frsize
        self.resize(max(used + pages * PAGE, PAGE))

    def resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.disk], check=True)


@pytest.fixture
def small(engine: Engine, tmp_path: Path) -> Iterator[Small]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs", disk], check=True)
    try:
        storage = {"filesystem": {"rootdirectory": os.fspath(disk)}, "delete": {"enabled": True}}
        settings = {"storage": storage}
        with running_registry(engine.programs / "registry", tmp_path / "registry", settings=settings) as running:
            yield Small(registry=running, disk=disk)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_full_at_any_step_of_a_publication(small: Small, tmp_path: Path) -> None:
    address = small.registry.address
    failed = 0
    for pages in STEPS:
        path, own = f"full/{pages}", tmp_path / str(pages)
        digest = push(address, f"{path}/{NAME}")
        small.leave(pages)
        try:
            publish(f"{address}/{path}", digest, own)
        except RegistryError as error:
            failed += 1
            assert "a full disk" in str(error)
        expect_sound(address, path, digest, listed_only=True)
        found = look(f"{address}/{path}", own / "reader", impatient())
        assert found is None or found.stored.digest == digest
        small.resize(PLENTY)
        publish(f"{address}/{path}", digest, own)
        expect_sound(address, path, digest)
        assert look(f"{address}/{path}", own / "reader", DIRECT) is not None
    assert 3 < failed < len(STEPS), f"some are full too early, and some have room: {failed}"


def test_full_at_any_step_of_a_copy(engine: Engine, small: Small) -> None:
    source = f"{engine.registry.address}/to-full/{NAME}"
    digest = push(engine.registry.address, f"to-full/{NAME}")
    failed = 0
    for pages in STEPS:
        target = f"{small.registry.address}/copied/{pages}/{NAME}"
        small.leave(pages)
        registry = impatient()
        try:
            copy(registry, plan_copy(registry, source, digest, target))
            registry.tag(target, digest, KEY)
        except RegistryError:
            failed += 1
            assert DIRECT.digest_of(target, KEY) is None
        small.resize(PLENTY)
        copy(registry, plan_copy(registry, source, digest, target))
        registry.tag(target, digest, KEY)
        expect_sound(small.registry.address, f"copied/{pages}", digest)
    assert 3 < failed < len(STEPS), failed


def test_a_build_that_pushes_says_so_and_the_next_one_completes(engine: Engine, small: Small, tmp_path: Path) -> None:
    prefix = f"{small.registry.address}/fam"
    space = published_space(tmp_path / "a", engine, prefix)
    small.leave(20)
    run = space.planner("build", "--push", "--lease", "0", **engine.environment)
    assert run.returncode == 1
    said = run.stdout + run.stderr
    assert "Traceback" not in said
    assert f"failed to push {prefix}/base" in said
    for name in ("base", "tool", "app", "side"):
        assert not [tag for tag in tags_of(HttpRegistry(), f"{prefix}/{name}") if tag.startswith(("rec-", "res-"))]
    small.resize(PLENTY)
    assert {image["outcome"] for name, image in space.build("--push").items() if name} <= {"built", "reused"}
    other = clone(space, tmp_path / "b").build("--push")
    assert {image["outcome"] for name, image in other.items() if name} == {"reused"}


def test_full_at_any_step_of_a_clean_up(small: Small, tmp_path: Path) -> None:
    address = small.registry.address
    clean_up = CleanUp(tmp_path / "gc", Proxy(address=address, upstream=address), address)
    failed = 0
    for pages in CLEAN_UP_STEPS:
        clean_up.leave_old_ones()
        small.leave(pages)
        run = clean_up.space.planner(*GC)
        assert "Traceback" not in run.stderr
        failed += run.returncode == 1
        assert run.returncode == 0 or "a full disk" in run.stderr, run.stderr
        clean_up.expect_sound()
        small.resize(PLENTY)
        clean_up.complete()
    assert 0 < failed < len(CLEAN_UP_STEPS), f"some are full too early, and some have room: {failed}"


def test_a_full_disk_here_stops_no_clean_up(small: Small, tmp_path: Path) -> None:
    address = small.registry.address
    clean_up = CleanUp(tmp_path / "gc", Proxy(address=address, upstream=address), address)
    clean_up.leave_old_ones()
    state = clean_up.space.root / ".planner"
    state.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={PAGE}", "tmpfs", state], check=True)
    try:
        with pytest.raises(OSError, match="No space left"):
            (state / "filled").write_bytes(b"x" * (4 * PAGE))
        clean_up.complete()
    finally:
        subprocess.run(["umount", state], check=True)
