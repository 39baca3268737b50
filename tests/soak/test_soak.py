"""A short soak, and proof that its checks see what they are there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.registry.client import HttpRegistry
from tests.engine.engine import Engine
from tests.soak.__main__ import soak
from tests.soak.plot import drawn_over_cycles
from tests.soak.world import Lost, Stale, soaking


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
