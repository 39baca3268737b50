"""Orders the images of a run: what the longest chain of builds waits for goes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.model.image import ImageName, Kind
from planner.plan.durations import ASSUMED
from planner.plan.timing import remaining

UNKNOWN = ASSUMED[Kind.CUDA]
"""Seconds taken for an image that was never built, where nobody says its kind: the longest that is assumed of one."""


def by_critical_path(
    order: Sequence[ImageName], parents: Mapping[ImageName, frozenset[ImageName]], seconds: Mapping[ImageName, float]
) -> list[ImageName]:
    """The images, longest remaining chain first; ties keep `order`, which names parents before children.

    `seconds` holds what images take: as recorded, or an upper bound (`planner.plan.durations`); one that it lacks is
    taken for long. The remaining chain of an image is its own duration and the longest one among its children (the
    critical-path priority of list scheduling; Graham 1969).
    """
    known = {name: seconds.get(name, UNKNOWN) for name in order}
    longest = remaining(order, parents, known)
    return sorted(order, key=lambda name: -longest[name])
