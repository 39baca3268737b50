"""A short soak, and proof that its checks see what they are there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.registry.client import HttpRegistry
from tests.engine.engine import Engine
from tests.soak import cleaning
from tests.soak.__main__ import soak
from tests.soak.cleaning import clean
from tests.soak.plot import drawn_over_cycles
from tests.soak.world import Lost, Stale, World, soaking


def test_a_short_soak_and_what_it_would_see(engine: Engine, tmp_path: Path) -> None:
    with soaking(engine, tmp_path, seed=3) as world:
        found = list(soak(world, cycles=10, seconds=30))
        world.build(disturbed=False)
        keys = world.planned()
        world.check(keys, complete=True)
        world.check_all_records()
        assert world.counts.built
        assert world.counts.faults + world.counts.planner_killed + world.counts.builder_killed
        assert "</svg>" in drawn_over_cycles(found)

        own = dict(world.family.own)
        world.family.own["base"] = 99
        with pytest.raises(Stale, match="base"):
            world.check(keys)
        world.family.own = own

        registry = HttpRegistry()
        repository = f"{world.direct}/top"
        digest = registry.digest_of(repository, keys["top"])
        assert digest is not None
        assert registry.delete(repository, digest)
        with pytest.raises(Lost, match="top"):
            world.check_all_records()


def test_what_a_clean_up_takes_is_built_again_and_taking_too_much_is_seen(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with soaking(engine, tmp_path, seed=3) as world:
        taken_and_built_again(world)
        monkeypatch.setattr(cleaning, "_gc", taking_all)
        with pytest.raises(Lost, match="gc took"):
            clean(world)


def taken_and_built_again(world: World) -> None:
    """A clean-up frees room; the state that it took is whole after the next build."""
    for content in (7, 8):
        become(world, content)
        world.build(disturbed=False)
    become(world, 7)
    keys, before = world.planned(), world.measure()["registry, disk"]
    become(world, 9)
    clean(world)
    taken = {(name, key) for name, key, _ in world.gone}
    assert set(keys.items()) <= taken
    assert world.measure()["registry, disk"] < before
    clean(world)
    world.check_all_records()
    assert set(keys.items()) <= {(name, key) for name, key, _ in world.gone}, "what is gone stays known as gone"
    become(world, 7)
    world.build(disturbed=False)
    world.check(keys, complete=True)
    world.check_all_records()


def taking_all(world: World) -> bool:
    """A gc that knows nothing of what is wanted."""
    registry = HttpRegistry()
    for name, _, digest in world.records(gone=True):
        registry.delete(f"{world.direct}/{name}", digest)
    return True


def become(world: World, content: int) -> None:
    """The family with that content at its root."""
    world.family.own["base"] = content
    world.family.write()
