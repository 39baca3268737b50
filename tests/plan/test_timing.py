"""Schedules are lawful and stay between their bounds, on any graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.model.graph import children_of
from planner.model.image import ImageName, Kind
from planner.plan.durations import ASSUMED, durations
from planner.plan.timing import bounds, in_waves, remaining, scheduled
from tests.ci.families import work

Graph = dict[str, frozenset[str]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, dict[str, float]]:
    names = [f"n{number}" for number in range(draw(st.integers(0, 14)))]
    graph = {
        name: frozenset(draw(st.lists(st.sampled_from(names[:index]), max_size=3)) if index else ())
        for index, name in enumerate(names)
    }
    return graph, {name: draw(st.floats(0.01, 100)) for name in names}


@given(graphs(), st.integers(1, 5), st.data())
def test_any_priority_stays_below_grahams_bound(
    drawn: tuple[Graph, dict[str, float]], slots: int, data: st.DataObject
) -> None:
    graph, seconds = drawn
    rank = {name: data.draw(st.floats(-5, 5)) for name in graph}
    ends = scheduled(list(graph), graph, seconds, slots, rank)
    assert set(ends) == set(graph)
    begins = {name: ends[name] - seconds[name] for name in graph}
    for name, needs in graph.items():
        assert all(ends[need] <= begins[name] + 1e-9 for need in needs)
    for name in graph:
        at = begins[name] + seconds[name] / 2
        assert sum(begins[one] < at < ends[one] for one in graph) <= slots
    limits = bounds(list(graph), graph, seconds, slots)
    makespan = max(ends.values(), default=0.0)
    assert limits.lower - 1e-6 <= makespan <= limits.upper + 1e-6


@given(graphs())
def test_what_remains_is_the_longest_chain(drawn: tuple[Graph, dict[str, float]]) -> None:
    graph, seconds = drawn
    found = remaining(list(graph), graph, seconds)
    children = children_of({ImageName(name): tuple(map(ImageName, needs)) for name, needs in graph.items()})
    for name in graph:
        longest = max((found[child] for child in children[ImageName(name)]), default=0.0)
        assert abs(found[name] - seconds[name] - longest) < 1e-6


def test_waves_wait_for_the_one_before() -> None:
    assert in_waves([[3, 1, 1], [5]], 2) == 8
    assert in_waves([[3, 3, 3]], 2) == 6
    assert in_waves([[], []], 2) == 0
    assert in_waves([[1] * 100], 3) == 34


def test_an_image_never_built_takes_as_long_as_the_longest_of_its_kind() -> None:
    graph = work(1, 20).graph
    bases = [name for name in graph.order if graph.nodes[name].kind is Kind.BASE]
    found = durations(graph, graph.order, {bases[0]: 7.0, ImageName("gone"): 1e9})
    assert found.recorded == {bases[0]}
    assert all(found.seconds[name] == 7.0 for name in bases)
    cuda = next(name for name in graph.order if graph.nodes[name].kind is Kind.CUDA)
    assert found.seconds[cuda] == ASSUMED[Kind.CUDA]
