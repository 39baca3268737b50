"""Records of a state folder and of a registry as one: no clock of another machine decides between them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.local.records import SqliteRecords
from planner.model.build import Store
from planner.plan.shared import SharedRecords
from tests.local.test_records import BASE, RECORD

PUBLISHED = replace(
    RECORD, key="x3-9", stored=replace(RECORD.stored, store=Store.REGISTRY, repository="r.example/base")
)


def test_what_is_published_comes_first_whatever_clocks_said(tmp_path: Path) -> None:
    local, published = SqliteRecords(tmp_path / "local"), SqliteRecords(tmp_path / "published")
    both = SharedRecords(local, published)
    local.add(replace(RECORD, built_at=9e9))
    assert both.latest(BASE) == replace(RECORD, built_at=9e9)
    for at in (1.0, 9.9e9):
        published.add(replace(PUBLISHED, built_at=at))
        assert both.latest(BASE) == replace(PUBLISHED, built_at=at)
        found = both.find_resolved(BASE, RECORD.platforms, RECORD.resolved_key)
        assert [one.key for one in found] == [PUBLISHED.key, RECORD.key]
