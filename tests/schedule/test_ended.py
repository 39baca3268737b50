"""How images of a run end, by the inputs that led there: built, cut off, or built by another run meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from planner.digest.key import Keys, keys_of, resolved_key
from planner.local.records import SqliteRecords
from planner.model.build import BuildRequest, BuildResult, ImageContext, Record, Store, Stored
from planner.model.image import ImageName
from planner.plan.rebuild import plan as make_plan
from planner.ports import BuildFailed, Passing, StepNews
from planner.schedule import run
from planner.schedule.outcome import Outcome
from planner.schedule.run import execute
from planner.schedule.tries import Job
from planner.schedule.workers import Backoff, Worker
from planner.sources import yaml_file
from planner.sources.load import load
from tests.memory import MemoryTree

BASE, TOP = ImageName("base"), ImageName("top")
GRAPH = "version: 1\nregistry: r.example\nimages: {base: {dockerfile: base}, top: {dockerfile: top}}\n"


class Heard:
    """Whom each image's end was told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ImageName]] = []

    def __getattr__(self, call: str) -> Callable[..., None]:
        return lambda *told: self.calls.append((call, told[0])) if call in ("built", "shared", "cut_off") else None


class Engine:
    """Gives an image whose digest is of its parents' alone, so that an edit of the base changes no byte of it."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures

    def build(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> BuildResult:
        if self.failures:
            self.failures -= 1
            raise BuildFailed(step="", message="reset", passing=Passing.NETWORK)
        return BuildResult(image=image_of(request), seconds=1.0)

    def name(self, request: BuildRequest, image: Stored) -> None:
        """Nothing is tagged here."""


def image_of(request: BuildRequest) -> Stored:
    parents = [one.image.digest[7] for _, one in request.contexts if isinstance(one, ImageContext)]
    return Stored(store=Store.LAYOUT, digest="sha256:" + (parents or ["a"])[0] * 63 + request.image[0])


def keys(base: str) -> Keys:
    files = {"images.yaml": GRAPH, "base": f"FROM scratch\nLABEL x={base}\n", "top": "FROM r.example/base\nLABEL y=z\n"}
    tree = MemoryTree(files)
    return keys_of(load(yaml_file.read(GRAPH.encode(), "images.yaml", {}, {}), tree, told=True), tree)


def ran(now: Keys, records: SqliteRecords, engine: Engine, heard: Heard | None = None, **more: Any) -> Outcome:
    graph = now.made_by.loaded.graph
    job: Any = Job(
        plan=make_plan(graph, now, {}, against="", wanted=graph.order),
        keys=now,
        stored={},
        builders={"one": engine},  # type: ignore[dict-item] -- what is not called is not there
        workers=(Worker(name="one"),),
        records=records,
        listener=heard or Heard(),
        clock=lambda: 1.0,
        retries=2,
        backoff=Backoff(first=0.0),
        **more,
    )
    return execute(job)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    with closing(SqliteRecords(tmp_path / "r")) as found:
        yield found


def test_what_a_byte_equal_parent_left_as_it_was_is_cut_off(records: SqliteRecords) -> None:
    assert set(ran(keys("one"), records, Engine()).results) == {BASE, TOP}
    heard = Heard()
    outcome = ran(keys("two"), records, Engine(), heard)
    assert set(outcome.results) == {BASE}
    assert set(outcome.cut_off) == {TOP}
    assert not outcome.by_another
    assert heard.calls == [("built", BASE), ("cut_off", TOP)]


def test_what_another_run_built_of_the_same_key_is_reused(records: SqliteRecords) -> None:
    """Its record is there when the build begins, so that no lease is waited for."""
    now = keys("one")
    base = image_of_base()
    records.add(record(now, BASE, base, {}))
    records.add(record(now, TOP, Stored(store=Store.LAYOUT, digest="sha256:" + "c" * 64), {BASE: base.digest}))
    heard = Heard()
    outcome = ran(now, records, Engine(), heard)
    assert not outcome.results
    assert not outcome.cut_off
    assert set(outcome.by_another) == {BASE, TOP}
    assert heard.calls == [("shared", BASE), ("shared", TOP)]


def test_what_the_caller_knows_of_durations_decides_what_goes_first(
    records: SqliteRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[ImageName, float]] = []

    def noted(order: Any, parents: Any, seconds: dict[ImageName, float]) -> list[ImageName]:
        found.append(seconds)
        return list(order)

    monkeypatch.setattr(run, "by_critical_path", noted)
    ran(keys("one"), records, Engine(), seconds={BASE: 20.0})
    ran(keys("two"), records, Engine(), seconds={BASE: 20.0})
    assert [one[BASE] for one in found] == [20.0, 1.0], "the records of the run know better"


def test_tries_that_failed_before_it_are_in_a_record(records: SqliteRecords) -> None:
    now = keys("one")
    ran(now, records, Engine(failures=2))
    found = {
        name: records.find(name, now.made_by.loaded.graph.nodes[name].image.platforms, now.keys[name])
        for name in now.keys
    }
    assert {name: [one.retries for one in some] for name, some in found.items()} == {BASE: [2], TOP: [0]}
    assert {one.image: one.retries for one in records.history()} == {BASE: 2, TOP: 0}
    ran(keys("two"), records, Engine())
    later = records.latest(TOP)
    assert later is not None
    assert later.retries == 0


def image_of_base() -> Stored:
    return Stored(store=Store.LAYOUT, digest="sha256:" + "b" * 64)


def record(now: Keys, name: ImageName, stored: Stored, parents: dict[ImageName, str]) -> Record:
    return Record(
        image=name,
        platforms=now.made_by.loaded.graph.nodes[name].image.platforms,
        key=now.keys[name],
        resolved_key=resolved_key(now, name, parents),
        stored=stored,
        built_at=0.5,
        seconds=1.0,
        manifests="",
    )
