"""Simulations say the same again, add up, and order the policies as they must."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.ci.packing import Costs
from planner.ci.simulation import Policy, Price, Setting, part, random_changes, simulate, synthetic
from planner.ci.simulation_text import simulation_svg, simulation_text
from tests.cli.test_documents import check
from tests.workspace import Workspace


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 100), st.integers(1, 6))
def test_less_is_built_and_moved_than_by_rebuilding_all(images: int, seed: int, slots: int) -> None:
    family = synthetic(images, seed)
    changes = random_changes(family, 3, seed)
    found = simulate(family, changes, Setting(slots=slots))
    costs = found.costs
    assert set(costs) == set(Policy)
    assert found.rebuilds == sum(map(len, changes))
    for policy, cost in costs.items():
        assert cost.bytes <= costs[Policy.EVERYTHING].bytes + 1
        assert policy is Policy.OURS or cost.money <= costs[Policy.EVERYTHING].money + 1e-6
    assert costs[Policy.PACKED].seconds <= costs[Policy.LEVELS].seconds * 1.5 + 1e-6
    assert costs[Policy.CHAINS].bytes <= costs[Policy.LEVELS].bytes + 1
    assert simulation_svg([found]) == simulation_svg([simulate(synthetic(images, seed), changes, Setting(slots=slots))])


def test_changes_add_up() -> None:
    family = synthetic(40, 1)
    one, other = random_changes(family, 2, 5)
    setting = Setting(slots=2, costs=Costs(start=10.0), price=Price(minute=1.0))
    both = simulate(family, [one, other], setting).costs
    for policy in Policy:
        apart = simulate(family, [one], setting).costs[policy].plus(simulate(family, [other], setting).costs[policy])
        assert both[policy].seconds == pytest.approx(apart.seconds)
        assert both[policy].money == pytest.approx(apart.money)


def test_a_part_keeps_the_edges_between_its_images() -> None:
    family = synthetic(50, 2)
    some = part(family, family.order[::2])
    assert all(some.parents[name] == family.parents[name] & set(some.order) for name in some.order)


def test_the_command(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write(
        {
            "images.yaml": "version: 1\nregistry: r.example\nimages: {a: {}, b: {dockerfile: b}}\n",
            "Dockerfile": "FROM x\nCOPY f /\n",
            "b": "FROM r.example/a\n",
            "f": "1",
        }
    )
    space.commit()
    space.write({"f": "2"})
    space.commit()
    document = space.document("simulate", "--replay", "HEAD~1..HEAD", "--slots", "1", "2")
    check("simulate", document)
    assert [one["slots"] for one in document["simulated"]] == [1, 2]
    assert document["simulated"][0]["rebuilds"] == 2
    again = space.planner("simulate", "--images", "30", "--format", "json").stdout
    assert again == space.planner("simulate", "--images", "30", "--format", "json").stdout
    assert json.loads(again)["simulated"][0]["images"] == 30
    assert space.planner("simulate", "--images", "30").stdout.count("\n") == 7
    assert space.planner("simulate", "--replay", "HEAD..HEAD").returncode == 2
    assert "<svg" in space.planner("simulate", "--format", "svg").stdout
    assert "rebuild all" in simulation_text(
        [simulate(synthetic(3, 1), random_changes(synthetic(3, 1), 1, 1), Setting())]
    )
