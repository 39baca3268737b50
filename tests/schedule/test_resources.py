"""No machine is asked for more than it has, nothing starves, and what can never run is told before anything does."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.model.image import ImageName
from planner.schedule.fleet import LOOK_AHEAD, Fleet
from planner.schedule.resources import EXCLUSIVE, amounts, capacity, lacking, never
from planner.schedule.states import Run, State
from planner.schedule.workers import Work, Worker
from tests.schedule.test_states import Graph, graphs

CAPACITY = {"cpu": 4.0, "gpu": 1.0}


def needs_of(graph: Graph, data: st.DataObject) -> dict[ImageName, dict[str, float]]:
    need = st.fixed_dictionaries(
        {},
        optional={
            "cpu": st.sampled_from([1.0, 2.0, 4.0]),
            "gpu": st.just(1.0),
            EXCLUSIVE: st.just(1.0),
            "x": st.just(9.0),
        },
    )
    return {name: data.draw(need) for name in graph}


@given(graphs(), st.integers(1, 5), st.data())
def test_a_machine_is_never_asked_for_more_than_it_has(graph: Graph, slots: int, data: st.DataObject) -> None:
    needs = needs_of(graph, data)
    run = Run(list(graph), graph)
    fleet = Fleet(run, [Worker(name="one", slots=slots, capacity=CAPACITY)], Work(needs=needs))
    while not run.over:
        fleet.place(0.0)
        assert run.running, "something that fits can always start"
        assert len(run.running) <= slots
        for resource, there in CAPACITY.items():
            assert sum(needs[name].get(resource, 0.0) for name in run.running) <= there
        assert len(run.running) == 1 or not any(needs[name].get(EXCLUSIVE) for name in run.running)
        fleet.succeed(data.draw(st.sampled_from(run.running)))
    assert set(run.states.values()) == {State.DONE}


def names(*texts: str) -> list[ImageName]:
    return [ImageName(text) for text in texts]


def test_small_ones_do_not_starve_a_large_one() -> None:
    order = names("a", "large", "b", "c")
    needs = {order[0]: {"cpu": 2.0}, order[1]: {"cpu": 4.0}, order[2]: {"cpu": 1.0}, order[3]: {"gpu": 1.0}}
    run = Run(order, dict.fromkeys(order, frozenset()))
    fleet = Fleet(run, [Worker(name="one", slots=4, capacity=CAPACITY)], Work(needs=needs))
    assert [placed.image for placed in fleet.place(0.0)] == names("a", "c"), (
        "b would take of what large waits for, c does not"
    )


def test_however_many_wait_for_the_same_others_start() -> None:
    """A few hundred that need a machine's only gpu are no reason for its other slots to be idle."""
    large = names(*(f"gpu{number}" for number in range(2 * LOOK_AHEAD)))
    small = names("one", "two")
    run = Run([*large, *small], dict.fromkeys([*large, *small], frozenset()))
    work = Work(needs={name: {"gpu": 1.0} for name in large})
    fleet = Fleet(run, [Worker(name="a", slots=3, capacity=CAPACITY), Worker(name="b", capacity={"gpu": 0.0})], work)
    assert {placed.image for placed in fleet.place(0.0)} == {large[0], *small}


LONGEST = 20.0


@given(
    st.lists(st.floats(1, LONGEST), min_size=8, max_size=40),
    st.sampled_from([{EXCLUSIVE: 1.0}, {"cpu": 4.0}]),
    st.sampled_from(["", "a", "b"]),
)
def test_nor_do_they_by_taking_turns_on_two_builders(seconds: list[float], need: dict[str, float], lost: str) -> None:
    """What needs the whole of a builder has one when what ran there has ended, whichever of them seems the better."""
    root, large, *small = names("root", "large", *(f"s{number}" for number in range(len(seconds))))
    order = [root, *small[:3], large, *small[3:]]
    parents = {name: frozenset({root} if name == large else ()) for name in order}
    work = Work(
        seconds={root: 0.5, large: 9.0, **dict(zip(small, seconds, strict=True))},
        needs={large: need, **{name: {"cpu": 1.0} for name in small}},
    )
    run = Run(order, parents)
    fleet = Fleet(run, [Worker(name=name, slots=2, capacity=CAPACITY) for name in "ab"], work, retries=9)
    clock, ends, turns = 0.0, [(0.0, "")], 2 if lost else 1
    while True:
        for placed in fleet.place(clock):
            heapq.heappush(ends, (clock + work.seconds[placed.image], placed.image))
        if run.states[large] is not State.WAITING:
            break
        clock, name = heapq.heappop(ends)
        if name and fleet.at[ImageName(name)] == lost and run.states[root] is State.DONE:
            lost = ""
            fleet.passing(ImageName(name), clock, away=True)
        elif name:
            fleet.succeed(ImageName(name))
    assert clock <= 0.5 + LONGEST * turns


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cpu=8", {"cpu": 8.0}),
        ("cpu=1.5, memory=16GB,disk=1TiB,gpu=2", {"cpu": 1.5, "memory": 16e9, "disk": 2.0**40, "gpu": 2.0}),
        ("memory=512mb", {"memory": 512e6}),
        ("", {}),
    ],
)
def test_what_a_machine_has(text: str, found: dict[str, float]) -> None:
    assert capacity(text) == found


@pytest.mark.parametrize(
    "text", ["cpu", "cpu=", "cpu=many", "cpu=4GB", "memory=4XB", "CPU=1", "exclusive=1", "=1", "cpu=-1"]
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(PlannerError, match="--resources"):
        capacity(text)


@given(st.integers(1, 10_000))
def test_an_amount_is_the_same_in_every_unit(hundredths: int) -> None:
    need = amounts([("memory", f"{hundredths / 100:.2f}GB")], "x")
    assert need == amounts([("memory", f"{hundredths * 10}MB")], "x")
    three = amounts([("memory", f"{3 * hundredths / 100:.2f}GB")], "x")
    assert not lacking(need, three, {"memory": 2 * need["memory"]})


def test_what_can_never_run_is_told() -> None:
    assert never(amounts([("gpu", "2"), ("disk", "1GB")], "x"), {"gpu": 1.0}) == "gpu 2 of 1"
    assert never({"gpu": 1.0}, {"gpu": 1.0}) == ""
