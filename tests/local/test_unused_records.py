"""Which records go when there are too many: never the newest of an image, nor one in use, nor any within the bounds."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.local import unused_records
from planner.local.records import SqliteRecords
from planner.local.unused_records import Used, drop_unused, unused
from planner.model.image import ImageName
from tests.local.test_records import BASE, RECORD

times = st.integers(0, 20).map(float)


@st.composite
def records(draw: st.DrawFn) -> list[Used]:
    count = draw(st.integers(0, 25))
    found = []
    for row in range(count):
        built_at = draw(times)
        found.append(
            Used(
                row=row,
                image=draw(st.sampled_from("ab")),
                platforms=draw(st.sampled_from(["linux/amd64", "linux/arm64"])),
                built_at=built_at,
                used_at=max(built_at, draw(times)),
                size=draw(st.integers(1, 50)),
                wanted=draw(st.booleans()),
            )
        )
    return found


bounds = st.tuples(st.integers(0, 8), st.integers(0, 600))


def place(one: Used) -> tuple[str, str]:
    return one.image, one.platforms


def newest(found: Sequence[Used]) -> set[int]:
    by_place: dict[tuple[str, str], Used] = {}
    for one in sorted(found, key=lambda one: one.row):
        by_place[place(one)] = one
    return {one.row for one in by_place.values()}


@given(records(), bounds)
def test_the_newest_of_each_image_and_what_is_wanted_stay(found: list[Used], bound: tuple[int, int]) -> None:
    gone = set(unused(found, *bound))
    assert gone.isdisjoint(newest(found))
    assert gone.isdisjoint(one.row for one in found if one.wanted)


@given(records(), bounds)
def test_what_stays_is_within_the_bounds_or_must_stay(found: list[Used], bound: tuple[int, int]) -> None:
    most, largest = bound
    gone = set(unused(found, *bound))
    stays = [one for one in found if one.row not in gone]
    free = [one for one in stays if not one.wanted and one.row not in newest(found)]
    counts = Counter(place(one) for one in stays)
    assert all(counts[place(one)] <= most for one in free)
    assert not free or sum(one.size for one in stays) <= largest


@given(records(), bounds)
def test_nothing_goes_within_the_bounds_and_no_more_than_must(found: list[Used], bound: tuple[int, int]) -> None:
    most, largest = bound
    gone = unused(found, *bound)
    counts = Counter(place(one) for one in found)
    if sum(one.size for one in found) <= largest and all(count <= most for count in counts.values()):
        assert gone == []
    by_row = {one.row: one for one in found}
    for index in range(len(gone)):
        before = [one for one in found if one.row not in gone[:index]]
        counts = Counter(place(one) for one in before)
        assert counts[place(by_row[gone[index]])] > most or sum(one.size for one in before) > largest


@given(records(), bounds)
def test_what_was_used_later_outlives_what_was_not(found: list[Used], bound: tuple[int, int]) -> None:
    gone = set(unused(found, *bound))
    must = newest(found)
    for left in (one for one in found if one.row in gone):
        for kept in (one for one in found if one.row not in gone and not one.wanted and one.row not in must):
            assert place(left) != place(kept) or left.used_at <= kept.used_at


@given(records(), bounds, st.randoms())
def test_once_is_enough_and_order_does_not_matter(
    found: list[Used], bound: tuple[int, int], chance: random.Random
) -> None:
    gone = unused(found, *bound)
    assert unused([one for one in found if one.row not in set(gone)], *bound) == []
    mixed = list(found)
    chance.shuffle(mixed)
    assert unused(mixed, *bound) == gone


def keys(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return {str(key) for (key,) in database.execute("SELECT key FROM records")}


def filled(path: Path, count: int) -> SqliteRecords:
    found = SqliteRecords(path)
    for number in range(count):
        found.add(replace(RECORD, key=f"x3-{number}", built_at=float(number)))
    return found


def test_a_file_that_holds_too_many_keeps_those_that_were_used_last(tmp_path: Path) -> None:
    found = filled(tmp_path / "r", 13)
    database = found._database
    assert drop_unused(database, {(BASE, "x3-0")}, now=10_000.0, most=10) == 3
    assert keys(tmp_path / "r") == {"x3-0", *(f"x3-{number}" for number in range(4, 13))}
    found.add(replace(RECORD, key="x3-new", built_at=20_000.0))
    found.add(replace(RECORD, key="x3-newer", built_at=20_001.0))
    found.add(replace(RECORD, key="x3-newest", built_at=20_002.0))
    assert drop_unused(database, (), now=20_003.0, most=10) == 3
    assert "x3-0" in keys(tmp_path / "r"), "it was used later than others were built"


def test_a_bound_is_passed_a_little_before_anything_is_dropped(tmp_path: Path) -> None:
    found = filled(tmp_path / "r", 12)
    assert drop_unused(found._database, (), now=100.0, most=10) == 0


def test_bytes_are_bounded_too_and_the_file_becomes_smaller(tmp_path: Path) -> None:
    path = tmp_path / "r"
    found = SqliteRecords(path)
    noise = random.Random(1)  # noqa: S311 -- bytes that cannot be packed
    for number in range(40):
        found.add(replace(RECORD, key=f"x3-{number}", built_at=float(number), manifests=noise.randbytes(50_000).hex()))
    before = path.stat().st_size
    assert drop_unused(found._database, (), now=100.0, largest=before // 4) > 20
    assert path.stat().st_size < before // 2
    assert "x3-39" in keys(path)
    assert found.find(BASE, RECORD.platforms, "x3-39")[0].manifests


def test_a_file_of_an_older_planner_is_read_and_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    filled(path, 3).close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        for name in ("used_at", "retries"):
            database.execute(f"ALTER TABLE records DROP COLUMN {name}")
        database.commit()
    older = SqliteRecords(path, writable=False)
    assert older.find(BASE, RECORD.platforms, "x3-1")[0].retries == 0
    assert [one.retries for one in older.history()] == [0, 0, 0]
    older.close()
    now = SqliteRecords(path)
    now.add(replace(RECORD, key="x3-4", retries=2))
    assert now.find(BASE, RECORD.platforms, "x3-4")[0].retries == 2
    assert now.drop_unused({(BASE, "x3-4")}, now=1e6) == 0
    with contextlib.closing(sqlite3.connect(path)) as database:  # as an older planner writes
        database.execute(
            "INSERT OR REPLACE INTO records (image, platforms, key, resolved_key, store, repository, digest, built_at,"
            " seconds, steps, manifests)"
            " VALUES ('base', 'linux/amd64', 'x3-5', 'x3-6', 'layout', '', 'd', 1, 1, '[]', '')"
        )
        database.commit()
    assert now.find(BASE, RECORD.platforms, "x3-5")[0].retries == 0


DROPPER = """
import sys
from pathlib import Path
from dataclasses import replace
from planner.local import unused_records
from planner.local.unused_records import drop_unused
from planner.local.records import SqliteRecords
from tests.local.test_records import RECORD
unused_records.WORTH_SHRINKING = 1
unused_records.SPARE = 1.0
records = SqliteRecords(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 1_000_000):
    records.add(replace(RECORD, key=f"x3-{number}", built_at=float(number), manifests="x" * 20_000))
    print(number, flush=True)
    if number % 20 == 0:
        drop_unused(records._database, (), float(number), most=5)
"""


def test_a_kill_while_records_are_dropped_loses_none_that_must_stay(tmp_path: Path) -> None:
    path, first = tmp_path / "r", 0
    chance = random.Random(1)  # noqa: S311 -- the same moments again
    for _ in range(12):
        argv = [sys.executable, "-c", DROPPER, os.fspath(path), str(first)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(15)]
        while int(told[-1]) % 20:
            told.append(process.stdout.readline())
        time.sleep(chance.uniform(0, 0.02))  # somewhere in the dropping that follows this line
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
        process.wait()
        last = max(int(line) for line in told if line.endswith("\n"))
        with contextlib.closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = keys(path)
        assert {f"x3-{number}" for number in range(max(last - 4, 0), last + 1)} <= there
        first = last + 2
    records = SqliteRecords(path)
    drop_unused(records._database, (), float(first), most=5)
    assert len(keys(path)) == 5, "what the killed ones left is dropped by the next one"


def test_another_process_adds_while_records_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "r"
    one, other = SqliteRecords(path), SqliteRecords(path)
    reader = SqliteRecords(path, writable=False)
    for number in range(200):
        (one if number % 2 else other).add(replace(RECORD, key=f"x3-{number}", built_at=float(number)))
        if number % 7 == 0:
            drop_unused(other._database, (), float(number), most=10)
        latest = reader.latest(BASE)
        assert latest is not None
        assert latest.key == f"x3-{number}"


def test_a_reader_that_is_in_the_way_of_shrinking_is_waited_for_only_shortly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unused_records, "WORTH_SHRINKING", 1)
    monkeypatch.setattr(unused_records, "PATIENCE", 1)
    found = filled(tmp_path / "r", 300)
    with contextlib.closing(sqlite3.connect(tmp_path / "r", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM records").fetchone() == (300,)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            found._database.execute("PRAGMA busy_timeout = 1")
            drop_unused(found._database, (), 1000.0, most=10)
        reader.execute("COMMIT")
    assert drop_unused(found._database, (), 1000.0, most=10) == 290
    assert found.latest(ImageName("base")) is not None
