"""Laws of the layered drawing, for any boxes and edges."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from planner.explain.layered import BETWEEN_BOXES, layered

Graph = tuple[list[tuple[float, float]], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 24))
    boxes = [(float(width), 30.0) for width in draw(st.lists(st.integers(20, 200), min_size=count, max_size=count))]
    pairs = [(start, end) for start, end in itertools.combinations(range(count), 2)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []
    return boxes, edges


@given(graphs())
def test_boxes_never_touch_and_edges_lead_from_left_to_right(graph: Graph) -> None:
    boxes, edges = graph
    drawing = layered(boxes, edges)
    areas = [(x, y, x + width, y + height) for (x, y), (width, height) in zip(drawing.boxes, boxes, strict=True)]
    for one, other in itertools.combinations(areas, 2):
        beside = one[2] <= other[0] or other[2] <= one[0]
        below = one[3] + BETWEEN_BOXES - 0.01 <= other[1] or other[3] + BETWEEN_BOXES - 0.01 <= one[1]
        assert beside or below
    for left, top, right, bottom in areas:
        assert left >= 0
        assert top >= -0.01
        assert right <= drawing.width + 0.01
        assert bottom <= drawing.height + 0.01
    for (start, end), route in zip(edges, drawing.edges, strict=True):
        assert route[0][0] == areas[start][2]
        assert route[-1][0] == areas[end][0]
        assert all(one[0] <= other[0] for one, other in itertools.pairwise(route))


@given(graphs())
def test_the_same_every_time(graph: Graph) -> None:
    assert layered(*graph) == layered(*graph)


def test_a_chain_is_straight() -> None:
    drawing = layered([(50, 30)] * 4, [(0, 1), (1, 2), (2, 3)])
    assert {y for _, y in drawing.boxes} == {0}


def test_a_tree_has_no_crossings() -> None:
    edges = [(number // 3, number) for number in range(5, 200)]
    drawing = layered([(50, 30)] * 200, edges)
    for (start, end), (other_start, other_end) in itertools.combinations(edges, 2):
        if drawing.boxes[start][0] == drawing.boxes[other_start][0]:
            order = drawing.boxes[start][1] - drawing.boxes[other_start][1]
            assert order * (drawing.boxes[end][1] - drawing.boxes[other_end][1]) >= 0


def test_many_long_edges_stay_cheap() -> None:
    """Each of a long chain reads the first: stand-ins would be a million."""
    count = 1500
    edges = [(number, number + 1) for number in range(count - 1)] + [(0, number) for number in range(2, count)]
    drawing = layered([(50, 30)] * count, edges)
    assert len(drawing.edges) == len(edges)
