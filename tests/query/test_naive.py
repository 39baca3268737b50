"""Queries on random graphs against another implementation, as naive as can be: paths are enumerated one by one."""

from __future__ import annotations

from typing import Any

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.query.evaluate import answer
from tests.query.worlds import graph_of, world_of

Tree = tuple[Any, ...]
SIZE = 7
NAMES = [f"i{number}" for number in range(SIZE)]

words = st.sampled_from([*NAMES, "//..."]).map(lambda name: ("word", name))
depths = st.one_of(st.none(), st.integers(0, 4))


def _deeper(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.tuples(st.just("chain"), inner, st.lists(st.tuples(st.sampled_from("+^-"), inner), min_size=1, max_size=3)),
        st.tuples(st.just("deps"), inner, depths),
        st.tuples(st.just("allrdeps"), inner, depths),
        st.tuples(st.just("rdeps"), inner, inner, depths),
        st.tuples(st.just("allpaths"), inner, inner),
        st.tuples(st.just("let"), inner, inner),
        st.tuples(st.just("filter"), st.sampled_from(["[024]$", "i1", "x"]), inner),
        st.tuples(st.just("set"), st.lists(st.sampled_from(NAMES), max_size=3)),
    )


trees = st.recursive(words, _deeper, max_leaves=6)
edges = st.sets(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)).filter(lambda pair: pair[0] < pair[1]))


def written(tree: Tree) -> str:
    """A tree as the text of a query; the body of a let adds its variable, so that it is used."""
    match tree:
        case ("word", name):
            return str(name)
        case ("chain", first, rest):
            names = {"+": " union ", "^": " ^ ", "-": " - "}
            return f"({written(first)})" + "".join(f"{names[sign]}({written(part)})" for sign, part in rest)
        case ("deps" | "allrdeps" as function, part, depth):
            return f"{function}({written(part)}{'' if depth is None else f', {depth}'})"
        case ("rdeps", universe, part, depth):
            return f"rdeps({written(universe)}, {written(part)}{'' if depth is None else f', {depth}'})"
        case ("allpaths", start, end):
            return f"allpaths({written(start)}, {written(end)})"
        case ("let", value, body):
            return f"(let v = {written(value)} in $v + ({written(body)}))"
        case ("filter", pattern, part):
            return f"filter('{pattern}', {written(part)})"
        case ("set", names):
            return f"set({' '.join(names)})"
    raise AssertionError(tree)


def naive(tree: Tree, graph: Any) -> set[str]:
    match tree:
        case ("word", name):
            return set(graph) if name == "//..." else {name}
        case ("chain", first, rest):
            found = naive(first, graph)
            for sign, part in rest:
                other = naive(part, graph)
                found = found | other if sign == "+" else found & other if sign == "^" else found - other
            return found
        case ("deps", part, depth):
            return within(graph, naive(part, graph), depth)
        case ("allrdeps", part, depth):
            return within(graph.reverse(), naive(part, graph), depth)
        case ("rdeps", universe, part, depth):
            inside = graph.subgraph(within(graph, naive(universe, graph), None))
            return within(inside.reverse(), naive(part, graph) & set(inside), depth)
        case ("allpaths", start, end):
            return on_paths(graph, naive(start, graph), naive(end, graph))
        case ("let", value, body):
            return naive(value, graph) | naive(body, graph)
        case ("filter", "[024]$", part):
            return {name for name in naive(part, graph) if name[-1] in "024"}
        case ("filter", pattern, part):
            return {name for name in naive(part, graph) if pattern in name}
        case ("set", names):
            return set(names)
    raise AssertionError(tree)


def within(graph: Any, start: set[str], depth: int | None) -> set[str]:
    lengths = dict(networkx.all_pairs_shortest_path_length(graph))
    limit = len(graph) if depth is None else depth
    return {other for one in start for other, length in lengths[one].items() if length <= limit}


def on_paths(graph: Any, start: set[str], end: set[str]) -> set[str]:
    found = start & end
    for one in start:
        for other in end - {one}:
            for path in networkx.all_simple_paths(graph, one, other):
                found |= set(path)
    return found


def both(pairs: set[tuple[int, int]]) -> tuple[Any, Any]:
    parents = {name: [f"i{low}" for low, high in pairs if f"i{high}" == name] for name in NAMES}
    graph = networkx.DiGraph()
    graph.add_nodes_from(NAMES)
    graph.add_edges_from((child, parent) for child, found in parents.items() for parent in found)
    return world_of(graph_of(parents)), graph


@settings(max_examples=400, deadline=None)
@given(trees, edges)
def test_equals_the_naive_implementation(tree: Tree, pairs: set[tuple[int, int]]) -> None:
    world, graph = both(pairs)
    assert {target.name for target in answer(written(tree), world)} == naive(tree, graph)


@settings(max_examples=200, deadline=None)
@given(edges, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_somepath_is_a_shortest_path(pairs: set[tuple[int, int]], start: str, end: str) -> None:
    world, graph = both(pairs)
    found = {target.name for target in answer(f"somepath({start}, {end})", world)}
    if networkx.has_path(graph, start, end):
        assert found in [set(path) for path in networkx.all_shortest_paths(graph, start, end)]
    else:
        assert found == set()
