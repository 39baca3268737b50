"""A short soak, and proof that its checks see what they are there for."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from planner.registry.client import HttpRegistry
from planner.registry.leases import LONGEST, RegistryLeases
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from tests.engine.engine import Engine
from tests.soak import cleaning
from tests.soak.__main__ import soak
from tests.soak.checking import Lost, Stale
from tests.soak.cleaning import LATER, clean, left_by_the_killed, tagged
from tests.soak.measuring import measure
from tests.soak.plot import drawn_over_cycles
from tests.soak.world import World, soaking


def test_a_short_soak_and_what_it_would_see(engine: Engine, tmp_path: Path) -> None:
    with soaking(engine, tmp_path, seed=3) as world:
        found = list(soak(world, cycles=10, seconds=30))
        world.build(disturbed=False)
        keys = world.planned()
        world.checks.present(keys, complete=True)
        world.checks.all_records()
        assert world.counts.built
        assert world.counts.faults + world.counts.planner_killed + world.counts.builder_killed
        assert "</svg>" in drawn_over_cycles(found)

        own = dict(world.family.own)
        world.family.own["base"] = 99
        with pytest.raises(Stale, match="base"):
            world.checks.present(keys)
        world.family.own = own

        registry = HttpRegistry()
        repository = f"{world.checks.repositories}/top"
        digest = registry.digest_of(repository, keys["top"])
        assert digest is not None
        assert registry.delete(repository, digest)
        with pytest.raises(Lost, match="top"):
            world.checks.all_records()


def test_what_a_clean_up_takes_is_built_again_and_taking_too_much_is_seen(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with soaking(engine, tmp_path, seed=3) as world:
        taken_and_built_again(world)
        a_lease_goes_an_hour_later(world)
        monkeypatch.setattr(cleaning, "_gc", taking_all)
        with pytest.raises(Lost, match="gc took"):
            clean(world)


def taken_and_built_again(world: World) -> None:
    """A clean-up frees room; the state that it took is whole after the next build."""
    for content in (7, 8):
        become(world, content)
        world.build(disturbed=False)
    become(world, 7)
    keys, before = world.planned(), measure(world)["registry, disk"]
    become(world, 9)
    clean(world)
    taken = {(name, key) for name, key, _ in world.checks.gone}
    assert set(keys.items()) <= taken
    assert measure(world)["registry, disk"] < before
    clean(world)
    world.checks.all_records()
    assert set(keys.items()) <= {(name, key) for name, key, _ in world.checks.gone}, "what is gone stays known as gone"
    become(world, 7)
    world.build(disturbed=False)
    world.checks.present(keys, complete=True)
    world.checks.all_records()
    lose_records(world, "join")
    world.build(disturbed=False)
    world.checks.present(keys, complete=True)


def a_lease_goes_an_hour_later(world: World) -> None:
    """What a killed planner held is kept for as long as another might believe it alive, and no longer."""
    keys = world.planned()
    become(world, 11)
    world.build(disturbed=False)
    place = world.family.workspace.root / ".planner" / "published"
    found = PublishedRecords(HttpRegistry(), world.checks.repositories, Snapshot(place))
    RegistryLeases(found, "killed", LONGEST).put(f"{world.checks.repositories}/top", keys["top"], 1)
    clean(world)
    assert left_by_the_killed(world) == 1
    assert tagged(world, "top", keys["top"])
    clean(world, LATER)
    assert left_by_the_killed(world) == 0
    assert tagged(world, "top", keys["top"]) is None


def lose_records(world: World, name: str) -> None:
    """As after a kill between the record in the registry and the one in the state folder."""
    with contextlib.closing(sqlite3.connect(world.family.workspace.root / ".planner" / "records.sqlite")) as database:
        database.execute("DELETE FROM records WHERE image = ?", (name,))
        database.commit()


def taking_all(world: World, later: float) -> bool:
    """A gc that knows nothing of what is wanted."""
    registry = HttpRegistry()
    del later
    for name, _, digest in world.checks.records(gone=True):
        registry.delete(f"{world.checks.repositories}/{name}", digest)
    return True


def become(world: World, content: int) -> None:
    """The family with that content at its root."""
    world.family.own["base"] = content
    world.family.write(world.chance)
