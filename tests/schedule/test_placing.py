"""Where single images go, and what is done about builders that went away: one small case for each rule."""

from __future__ import annotations

from planner.model.image import ImageName
from planner.schedule.fleet import Fleet
from planner.schedule.states import Run, State
from planner.schedule.workers import Backoff, Work, Worker
from tests.schedule.test_fleet import AMD, ARM
from tests.schedule.test_states import Graph


def names(*texts: str) -> list[ImageName]:
    return [ImageName(text) for text in texts]


def two(fetch: float, seconds: float) -> tuple[Fleet, dict[ImageName, str]]:
    """A parent that was built on one of two builders, where a long build runs now, and a child that waits."""
    parent, long, child = names("parent", "long", "child")
    graph: Graph = {parent: frozenset(), long: frozenset(), child: frozenset({parent})}
    work = Work(seconds={parent: 1.0, long: seconds, child: 5.0}, fetch={parent: fetch}, reads=graph)
    fleet = Fleet(Run([parent, long, child], graph), [Worker(name="a"), Worker(name="b")], work)
    first = fleet.place(0.0)
    assert [(one.image, one.worker) for one in first] == [(parent, "a"), (long, "b")]
    fleet.succeed(parent)
    return fleet, {one.image: one.worker for one in fleet.place(1.0)}


def test_a_child_goes_where_its_parents_layers_are() -> None:
    assert two(fetch=10.0, seconds=100.0)[1] == {ImageName("child"): "a"}


def held(fetch: float, left: float) -> list[tuple[str, str]]:
    """A child whose parent is on a; a is busy for `left` more seconds, b is free."""
    parent, busy, child = names("parent", "busy", "child")
    graph: Graph = {busy: frozenset(), child: frozenset()}
    work = Work(
        seconds={busy: left, child: 5.0},
        fetch={parent: fetch},
        reads={busy: frozenset({parent}), child: frozenset({parent})},
        homes={parent: frozenset({"a"})},
    )
    fleet = Fleet(Run([busy, child], graph), [Worker(name="a"), Worker(name="b")], work)
    return [(one.image, one.worker) for one in fleet.place(0.0)]


def test_a_child_waits_for_the_builder_with_its_parents_where_that_costs_less_than_moving_them() -> None:
    assert held(fetch=10.0, left=3.0) == [("busy", "a")]
    assert held(fetch=10.0, left=30.0) == [("busy", "a"), ("child", "b")]


def test_a_wait_that_lasts_longer_than_expected_ends() -> None:
    parent, busy, child = names("parent", "busy", "child")
    graph: Graph = {busy: frozenset(), child: frozenset()}
    reads = {busy: frozenset({parent}), child: frozenset({parent})}
    work = Work(seconds={busy: 3.0}, fetch={parent: 10.0}, reads=reads, homes={parent: frozenset({"a"})})
    fleet = Fleet(Run([busy, child], graph), [Worker(name="a"), Worker(name="b")], work)
    assert [one.image for one in fleet.place(0.0)] == [busy]
    assert fleet.place(5.0) == []
    assert [(one.image, one.worker) for one in fleet.place(11.0)] == [(child, "b")]


def test_native_before_emulated_and_emulated_before_nothing() -> None:
    one, other = names("one", "other")
    graph: Graph = {one: frozenset(), other: frozenset()}
    work = Work(platforms={one: (ARM,), other: (AMD, ARM)})
    both = Worker(name="amd", native=frozenset({AMD}), emulated=frozenset({ARM}), slots=4)
    arm = Worker(name="arm", native=frozenset({ARM}), slots=4)
    fleet = Fleet(Run([one, other], graph), [both, arm], work)
    assert {placed.image: placed.worker for placed in fleet.place(0.0)} == {one: "arm", other: "amd"}


def test_a_builder_that_is_back_gets_work_again() -> None:
    first, second = names("first", "second")
    graph: Graph = {first: frozenset(), second: frozenset({first})}
    work = Work(platforms={first: (ARM,), second: (ARM,)})
    workers = [Worker(name="amd", native=frozenset({AMD}), emulated=frozenset({ARM})), Worker(name="arm")]
    fleet = Fleet(Run([first, second], graph), workers, work, retries=1)
    assert [one.worker for one in fleet.place(0.0)] == ["arm"]
    retry = fleet.passing(first, 1.0, away=True)
    assert retry is not None
    assert (retry.number, retry.seconds) == (0, 0.0)
    assert [one.worker for one in fleet.place(1.0)] == ["amd"]
    assert fleet.to_ask(2.0) == []
    assert fleet.to_ask(6.0) == ["arm"]
    assert fleet.to_ask(6.0) == [], "it is asked once at a time"
    fleet.answered("arm", True, 6.0)
    fleet.succeed(first)
    assert [one.worker for one in fleet.place(7.0)] == ["arm"]


def test_waits_grow_and_are_spread() -> None:
    backoff = Backoff(first=2.0, longest=10.0)
    assert [backoff.pause(number, 0.5) for number in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 10.0]
    assert (backoff.pause(1, 0.0), backoff.pause(1, 1.0)) == (1.0, 3.0)


def test_a_retry_waits_and_others_go_first() -> None:
    first, second = names("first", "second")
    run = Run([first, second], {first: frozenset(), second: frozenset()})
    fleet = Fleet(run, [Worker(name="a")], retries=1, backoff=Backoff(first=4.0))
    fleet.place(0.0)
    retry = fleet.passing(first, 1.0, away=False)
    assert retry is not None
    assert (retry.number, retry.of, retry.seconds) == (1, 1, 4.0)
    assert [one.image for one in fleet.place(1.0)] == [second]
    fleet.succeed(second)
    assert fleet.place(4.9) == []
    assert [one.image for one in fleet.place(5.0)] == [first]
    assert fleet.passing(first, 6.0, away=False) is None
    assert run.states[first] is State.FAILED


def test_a_builder_that_comes_and_goes_is_left_once_for_nothing_and_then_counted() -> None:
    (only,) = names("only")
    run = Run([only], {only: frozenset()})
    work = Work(platforms={only: (ARM,)})
    workers = [Worker(name="arm", native=frozenset({ARM})), Worker(name="amd", emulated=frozenset({ARM}))]
    fleet = Fleet(run, workers, work, retries=1, backoff=Backoff(first=1.0))
    numbers = []
    for turn in range(3):
        assert [one.worker for one in fleet.place(100.0 * turn)] == ["arm"]
        retry = fleet.passing(only, 100.0 * turn + 1, away=True)
        numbers.append(retry.number if retry else None)
        fleet.answered("arm", True, 100.0 * turn + 2)
    assert numbers == [0, 1, None]
    assert run.states[only] is State.FAILED


def test_a_run_that_no_builder_is_left_for_comes_to_its_end() -> None:
    (only,) = names("only")
    run = Run([only], {only: frozenset()})
    fleet = Fleet(run, [Worker(name="a"), Worker(name="b")], retries=1, backoff=Backoff(first=1.0))
    assert [one.worker for one in fleet.place(0.0)] == ["a"]
    assert fleet.passing(only, 1.0, away=True) is not None, "moved"
    assert [one.worker for one in fleet.place(1.0)] == ["b"]
    assert fleet.passing(only, 2.0, away=True) is not None, "retried"
    assert len(fleet.place(9.0)) == 1, "on one that went away: the build tells whether it is back"
    assert fleet.passing(only, 10.0, away=True) is None
    assert run.over
