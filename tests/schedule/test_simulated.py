"""On a simulated clock the scheduler stays within its bounds, and beats levels and FIFO in the same run."""

from __future__ import annotations

import statistics

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.plan.timing import bounds
from tests.bench.schedule import POLICIES, drawn_seconds, fifo, ours
from tests.ci.families import work


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 9))
def test_never_above_grahams_bound(seed: int, count: int, slots: int) -> None:
    family = work(seed, count)
    seconds = drawn_seconds(family, seed)
    limits = bounds(family.order, family.parents, seconds, slots)
    for policy in (ours, fifo):
        assert limits.lower - 1e-6 <= policy(family, seconds, slots) <= limits.upper + 1e-6


def test_close_to_the_bound_and_better_than_levels_and_fifo() -> None:
    ratios: dict[str, list[float]] = {name: [] for name in POLICIES}
    for seed in range(25):
        family = work(seed, 80)
        seconds = drawn_seconds(family, seed)
        lower = bounds(family.order, family.parents, seconds, 4).lower
        for name, policy in POLICIES.items():
            ratios[name].append(policy(family, seconds, 4) / lower)
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    assert medians["longest chain first"] <= 1.05
    assert medians["longest chain first"] < medians["FIFO"] < medians["levels"]
