"""Jobs hold every image that rebuilds exactly once, wait for what they need, and fit what providers take."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.ci.jobs import Group, Job, Rebuild, alone, connected, folded, jobs_of, rebuild_of
from planner.ci.limits import Limits, fitted
from planner.ci.names import job_id, refuse_alike, refuse_unsafe
from planner.ci.packing import Costs, forecast, packed
from planner.errors import PlannerError
from planner.model.image import Family, ImageName
from planner.plan.durations import durations
from tests.ci.families import graph_of, plan_of, work

WAYS = ("alone", "connected", "folded", "packed", "packed by level", "packed and folded", "fitted")


def groups_of(way: str, family: Rebuild) -> list[Group]:
    match way:
        case "connected":
            return connected(family, family.order)
        case "folded":
            return folded(family, alone(family), 2)
        case "packed":
            return packed(family, 3, Costs())
        case "packed by level":
            return packed(family, 3, Costs(), levels=True)
        case "packed and folded":
            return folded(family, packed(family, 3, Costs()), 2)
        case "fitted":
            return fitted(family, alone(family), Limits(per_level=2))
    return alone(family)


def jobs(way: str, family: Rebuild) -> tuple[Job, ...]:
    return jobs_of(family, groups_of(way, family))


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 25), st.sampled_from([0.2, 1.0]))
def test_every_image_once_and_after_its_parents(way: str, seed: int, count: int, rebuilt: float) -> None:
    family = work(seed, count, rebuilt=rebuilt)
    found = jobs(way, family)
    assert sorted(name for job in found for name in job.images) == sorted(family.order)
    home = {name: job for job in found for name in job.images}
    done: set[str] = set()
    for job in found:
        for place, name in enumerate(job.images):
            for parent in family.parents[name]:
                other = home[parent]
                assert other is job or other.id in job.needs
                assert other is not job or job.images.index(parent) < place
        assert set(job.needs) <= done, "needed jobs come first"
        assert job.level == max((other.level + 1 for other in found if other.id in job.needs), default=0)
        done.add(job.id)
    assert len(done) == len(found)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_connected_parts_wait_for_nobody_and_folding_leaves_few_levels(seed: int, count: int) -> None:
    family = work(seed, count)
    assert all(not job.needs for job in jobs("connected", family))
    assert max(job.level for way in ("folded", "packed and folded") for job in jobs(way, family)) <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 120), st.integers(2, 9))
def test_too_many_jobs_share(seed: int, count: int, room: int) -> None:
    family = work(seed, count)
    found = jobs_of(family, fitted(family, alone(family), Limits(per_level=room)))
    levels = [job.level for job in found]
    assert all(levels.count(level) <= room for level in set(levels))
    alike = {name: family.runner((name,)) for name in family.order}
    assert all(len({alike[name] for name in job.images}) == 1 for job in found), "only on the same runner"
    few = Limits(jobs=2 * (max(levels) + 1))
    assert len(jobs_of(family, fitted(family, alone(family), few))) <= few.jobs


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 6))
def test_packing_is_never_slower_than_a_job_for_each_image(seed: int, count: int, slots: int) -> None:
    family = work(seed, count)
    plain = forecast(family, alone(family), slots, Costs())
    by_needs = forecast(family, packed(family, slots, Costs()), slots, Costs())
    by_level = forecast(family, packed(family, slots, Costs(), levels=True), slots, Costs())
    assert by_needs.makespan <= plain.makespan + 1e-6
    assert by_level.in_levels <= plain.in_levels + 1e-6 == by_level.naive + 1e-6
    for one in (plain, by_needs, by_level):
        assert one.makespan >= one.bounds.lower - 1e-6


def test_costs_decide_what_is_fused() -> None:
    """Where starting costs nothing and pulls are fast, nothing is fused on many slots; where they are dear, all is."""
    family = work(3, 30, runners=False, registry="")
    free = Costs(start=0.0, pull=1e18, push=1e18)
    dear = Costs(start=1e6)
    assert len(packed(family, 30, free)) >= len(packed(family, 30, dear))
    assert len(packed(family, 1, dear)) < len(family.order) / 2


@pytest.mark.parametrize(
    "name",
    ["${{ secrets.X }}", "a b", "a\nb", "-rf", 'a"b', "a'b", "$(id)", "a`id`", "a;b", "", "a..b", "a/", "x" * 300, "é"],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(PlannerError, match="cannot be written safely"):
        refuse_unsafe([name], [], [])


@pytest.mark.parametrize("runner", ["${{ x }}", "a\nb", "-a", "", "a'b", "a$b", " a"])
def test_runners_that_are_refused(runner: str) -> None:
    with pytest.raises(PlannerError, match="cannot be written safely"):
        refuse_unsafe([], [runner], [])


def test_ids_are_stable_and_safe() -> None:
    assert job_id("build", "python") == "build-python"
    assert job_id("build", "cuda11.8-cudnn8.9") == "build-cuda11-8-cudnn8-9-12c3d4d903"
    assert job_id("build", "A") != job_id("build", "a")
    with pytest.raises(PlannerError, match="one CI job"):
        refuse_alike(["build-a", "build-a"])


def test_a_few_wide_levels_keep_the_jobs_that_narrow_ones_leave() -> None:
    """All levels had the same part of the jobs: 400 images of one level shared ten among fifty levels of one image."""
    wide, deep = [f"w{number}" for number in range(400)], [f"d{number}" for number in range(49)]
    parents = {ImageName(name): () for name in wide} | {
        ImageName(name): (ImageName(deep[place - 1] if place else "w0"),) for place, name in enumerate(deep)
    }
    graph = graph_of(parents, random.Random(1))  # noqa: S311 -- kinds do not matter here
    plan = plan_of(graph, set(graph.order))
    family = rebuild_of(plan, graph, Family(file="x", images=()), durations(graph, graph.order, {}))
    assert len(fitted(family, alone(family), Limits(jobs=300))) == 300
    with pytest.raises(PlannerError, match="50 levels of jobs, and room for 49 jobs"):
        fitted(family, alone(family), Limits(jobs=49))
