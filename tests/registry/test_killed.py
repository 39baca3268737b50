"""A few kills of `gc --apply` and `pin --write` each; `python -m tests.registry.killed` makes many at random points."""

from __future__ import annotations

from pathlib import Path

from tests.engine.engine import Engine
from tests.registry.faults import faulty
from tests.registry.killed import CLIENT, GC, CleanUp, kill_gc, kill_pin
from tests.registry.stocked import key_of


def test_gc_killed_while_it_writes_untags_and_deletes(engine: Engine, tmp_path: Path) -> None:
    with faulty(engine.registry.address) as proxy:
        count = kill_gc(tmp_path / "gc", proxy, engine.registry.address, [0.3, 0.6, 0.7, 0.8, 0.9, 0.97])
    assert count.killed >= 4
    assert "DELETE" in count.at or "HEAD" in count.at, "it came to where something is removed"


def test_gc_killed_between_a_record_and_its_image(engine: Engine, tmp_path: Path) -> None:
    """What is half deleted goes with the next run: it does not stay because nothing tells its age any more."""
    with faulty(engine.registry.address) as proxy:
        clean_up = CleanUp(tmp_path / "gc", proxy, engine.registry.address)
        clean_up.leave_old_ones(1)
        record = CLIENT.digest_of(clean_up.repository, f"rec-{key_of(1)}")
        assert clean_up.space.planner(*GC).returncode == 0
        assert clean_up.killed_at(lambda _, line: line.startswith("DELETE") and line.endswith(f"/{record}")) == "DELETE"
        clean_up.complete()


def test_pin_killed_between_files(engine: Engine, tmp_path: Path) -> None:
    count = kill_pin(tmp_path / "pin", engine.registry.address, [0, 3, 11, 20, 31, 38])
    assert count.killed >= 3
