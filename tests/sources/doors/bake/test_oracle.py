"""The reader makes of Bake files what the real buildx prints; `python -m tests.sources.doors.bake` asks more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.sources.doors.bake.cases import CASES
from tests.sources.doors.bake.drawn import files
from tests.sources.doors.bake.oracle import Case, difference, different, ordered


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_documented_feature(case: Case) -> None:
    assert not difference(case)


@settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files())
def test_drawn_files(case: Case) -> None:
    found = difference(case)
    assert not found or found.startswith("both refuse"), case


def test_there_are_enough_cases() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 120


def test_the_comparison_sees_a_difference() -> None:
    assert different({"a": [1]}, {"a": [2]}, "") == ".a: buildx [1], planner [2]"
    assert different({"a": 1}, {}, "")
    outputs: list[dict[str, str]] = [{"type": "docker"}, {"type": "image", "push": "true"}]
    either = [{"target": {"t": {"output": order}}} for order in (outputs, outputs[::-1])]
    both = Case(name="both", files={}, sets=["*.push=true", "*.load=true"])
    assert ordered(either[0], both) == ordered(either[1], both)
    alone = Case(name="alone", files={}, sets=["*.push=true"])
    assert ordered(either[0], alone) != ordered(either[1], alone)
    wrong = Case(name="wrong", files={"docker-bake.hcl": 'target "default" {}\n'}, fails=True)
    assert difference(wrong).startswith("neither refuses")
