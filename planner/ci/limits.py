"""What providers take at most, and how jobs are made to fit: images share jobs, and nothing is ever left out."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from planner.ci.jobs import Group, Job, Rebuild, depths, in_order, levels_of_groups, waits
from planner.errors import PlannerError


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Jobs of one level and of the whole, needs of one job, and letters of the document; 0 is no limit."""

    per_level: int = 0
    jobs: int = 0
    needs: int = 0
    letters: int = 0


GITHUB = Limits(per_level=256, letters=500_000)
"""256 jobs a matrix, and 1 MB for the outputs of a job, counted in UTF-16: docs.github.com, Actions limits and Passing
information between jobs."""
GITLAB = Limits(jobs=2000, needs=49, letters=5_000_000)
"""50 `needs` a job, of which the plan's is one; 5 MB for a generated file (GitLab's page on parent-child pipelines).
Jobs of a pipeline are limited by the instance; 2,000 is what GitLab's issue 353494 proposes."""
BUILDKITE = Limits(jobs=500, letters=1_000_000)
"""500 jobs an upload, the default of an organisation, as the agent's own refusal says."""
NONE = Limits()


def fitted(work: Rebuild, groups: Sequence[Group], limits: Limits) -> list[Group]:
    """The groups, where there are too many of them shared out over as many jobs as fit, level by level.

    Groups of one level never wait for one another, so they may share a job; they only do so on the same runner.
    Raises PlannerError where there are more levels than jobs may be.
    """
    levels = _levels(work, groups)
    if limits.jobs and len(levels) > limits.jobs:
        raise PlannerError(
            f"{len(levels)} levels of jobs, and room for {limits.jobs} jobs\n"
            "  --levels N folds the deeper ones into one, --by chain puts connected images into one job"
        )
    room = limits.per_level or len(groups)
    if limits.jobs:
        room = bisect_right(
            range(1, room + 1), limits.jobs, key=lambda one: sum(min(len(level), one) for level in levels)
        )
    found: list[Group] = []
    for level in levels:
        found.extend(level if len(level) <= room else _shared(work, level, room))
    return found


def _levels(work: Rebuild, groups: Sequence[Group]) -> list[list[Group]]:
    needs = waits(groups, work.parents)
    level = levels_of_groups(in_order(groups, needs), needs)
    found: list[list[Group]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for group in groups:
        found[level[group[0]]].append(group)
    return found


def _shared(work: Rebuild, level: list[Group], room: int) -> list[Group]:
    """At most `room` groups: for each runner its part of the room, the longest group into the emptiest job."""
    runners: dict[str, list[Group]] = {}
    for group in level:
        runners.setdefault(work.runner(group), []).append(group)
    if len(runners) > room:
        raise PlannerError(f"{len(runners)} kinds of runners in one level, and room for {room} jobs")
    spare = room - len(runners)
    found: list[Group] = []
    for members in runners.values():
        share = 1 + spare * len(members) // len(level)
        found.extend(_dealt(work, members, share) if len(members) > share else members)
    return found


def _dealt(work: Rebuild, members: list[Group], jobs: int) -> list[Group]:
    """Longest first, each into the job that has the least to do (Graham's LPT rule)."""
    took = {group: sum(work.durations.seconds[name] for name in group) for group in members}
    bins: list[tuple[float, int, list[Group]]] = [(0.0, number, []) for number in range(jobs)]
    for group in sorted(members, key=lambda group: (-took[group], group)):
        load, number, held = bins[0]
        heapq.heapreplace(bins, (load + took[group], number, [*held, group]))
    place = {name: index for index, name in enumerate(work.order)}
    names = [[name for group in held for name in group] for _, _, held in bins if held]
    return sorted((tuple(sorted(one, key=place.__getitem__)) for one in names), key=lambda one: place[one[0]])


def refuse_too_many_needs(jobs: Iterable[Job]) -> None:
    """Raise PlannerError for a job that waits for more others than GitLab takes."""
    for job in jobs:
        if len(job.needs) > GITLAB.needs:
            raise PlannerError(
                f"{job.title} waits for {len(job.needs)} jobs, GitLab takes {GITLAB.needs}\n"
                "  planner ci gitlab --by chain writes a pipeline in which connected images share a job"
            )


def refuse_too_long(text: str, limits: Limits, provider: str) -> str:
    """The document where the provider takes it. Raises PlannerError where it is longer."""
    if limits.letters and len(text) > limits.letters:
        raise PlannerError(
            f"this matrix has {len(text):,} letters, {provider} takes {limits.letters:,}\n"
            "  name fewer images, or make fewer jobs with --by chain or --by packed"
        )
    return text


def depth_of(work: Rebuild) -> int:
    """How many levels there are to build."""
    return max(depths(work).values(), default=-1) + 1
