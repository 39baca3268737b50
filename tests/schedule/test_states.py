"""The state machine of a run, over random graphs, failures and numbers of slots."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from planner.model.image import ImageName
from planner.schedule.priority import by_critical_path
from planner.schedule.states import Run, State

Graph = dict[ImageName, frozenset[ImageName]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Images that read only earlier ones, so that there is no cycle."""
    count = draw(st.integers(1, 12))
    names = [ImageName(f"i{number}") for number in range(count)]
    return {
        name: frozenset(draw(st.lists(st.sampled_from(names[:index]), max_size=3)) if index else ())
        for index, name in enumerate(names)
    }


def ancestors(graph: Graph, name: ImageName) -> set[ImageName]:
    found: set[ImageName] = set()
    for parent in graph[name]:
        found |= {parent} | ancestors(graph, parent)
    return found


def play(run: Run, graph: Graph, slots: int, failing: set[ImageName], pick: st.DataObject) -> None:
    """Run to the end, ending the running images in any order."""
    while not run.over:
        for name in run.startable(slots - len(run.running)):
            assert all(run.states[parent] is State.DONE for parent in graph[name]), "parents come first"
            run.start(name)
        assert 0 < len(run.running) <= slots, "a run that is not over has something to do"
        name = pick.draw(st.sampled_from(run.running))
        if name in failing:
            run.fail(name)
        else:
            run.succeed(name)


@given(graphs(), st.integers(1, 5), st.data())
def test_without_failures_everything_is_built_once(graph: Graph, slots: int, data: st.DataObject) -> None:
    run = Run(list(graph), graph)
    play(run, graph, slots, set(), data)
    assert set(run.states.values()) == {State.DONE}


@given(graphs(), st.integers(1, 5), st.data())
def test_keep_going_builds_exactly_what_stands_on_no_failure(graph: Graph, slots: int, data: st.DataObject) -> None:
    failing = data.draw(st.sets(st.sampled_from(list(graph)), max_size=3))
    run = Run(list(graph), graph, keep_going=True)
    play(run, graph, slots, failing, data)
    for name, state in run.states.items():
        below = ancestors(graph, name)
        if below & failing:
            assert state is State.BLOCKED
            assert run.blocked_by[name] in below & failing
        else:
            assert state is (State.FAILED if name in failing else State.DONE)


@given(graphs(), st.integers(1, 5), st.data())
def test_failing_fast_starts_nothing_after_the_first_failure(graph: Graph, slots: int, data: st.DataObject) -> None:
    failing = data.draw(st.sets(st.sampled_from(list(graph)), min_size=1, max_size=3))
    run = Run(list(graph), graph)
    play(run, graph, slots, failing, data)
    assert State.WAITING not in run.states.values()
    failed = [name for name, state in run.states.items() if state is State.FAILED]
    assert 1 <= len(failed) <= slots
    assert run.startable(99) == []


@given(graphs(), st.data())
def test_an_interrupt_leaves_nothing_waiting(graph: Graph, data: st.DataObject) -> None:
    run = Run(list(graph), graph)
    for name in run.startable(2):
        run.start(name)
    run.stop()
    for name in run.running:
        run.abandon(name)
    assert run.over
    assert set(run.states.values()) == {State.SKIPPED}


@given(graphs(), st.data())
def test_the_longest_chain_goes_first(graph: Graph, data: st.DataObject) -> None:
    seconds = {name: data.draw(st.floats(0.1, 100)) for name in graph}
    order = by_critical_path(list(graph), graph, seconds)
    assert sorted(order) == sorted(graph)
    chain = {name: chain_from(graph, seconds, name) for name in graph}
    assert all(chain[one] >= chain[other] - 1e-6 for one, other in itertools.pairwise(order))
    assert all(order.index(parent) < order.index(name) for name in graph for parent in graph[name])


def chain_from(graph: Graph, seconds: dict[ImageName, float], name: ImageName) -> float:
    children = [child for child, parents in graph.items() if name in parents]
    return seconds[name] + max((chain_from(graph, seconds, child) for child in children), default=0.0)
