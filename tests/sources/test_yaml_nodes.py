"""How far a document unfolds is known without unfolding it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import DefinitionError
from planner.sources.yaml_nodes import MAX_NODES, _unfolded, documents


@st.composite
def chains(draw: st.DrawFn) -> str:
    """Anchors in a row, each of which names some of those before it."""
    lines = []
    for number in range(draw(st.integers(1, 6))):
        names = draw(st.lists(st.integers(0, number - 1).map("*a{}".format), max_size=3)) if number else []
        plain = draw(st.lists(st.sampled_from(["x", "{k: v}", "[]"]), max_size=2))
        lines.append(f"a{number}: &a{number} [{', '.join([*names, *plain])}]\n")
    return "".join(lines)


@given(chains())
def test_as_many_values_as_a_walk_meets(text: str) -> None:
    def walked(node: yaml.Node) -> int:
        if isinstance(node, yaml.MappingNode):
            return 1 + sum(walked(one) for pair in node.value for one in pair)
        return 1 + (sum(map(walked, node.value)) if isinstance(node, yaml.SequenceNode) else 0)

    node = yaml.compose(text)
    assert _unfolded(node, {}) == min(walked(node), MAX_NODES + 1)


@pytest.mark.parametrize("text", ["&a [*a]\n", "a: &a\n- x: {b: *a}\n", "a: &a {b: &b [*a], c: *b}\n"])
def test_what_holds_itself_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="unfolds into more than"):
        documents(text.encode(), "compose.yaml")
