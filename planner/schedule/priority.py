"""Orders the images of a run: what the longest chain of builds waits for goes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.model.image import ImageName

UNKNOWN = 60.0
"""Seconds taken for an image that was never built."""


def by_critical_path(
    order: Sequence[ImageName], parents: Mapping[ImageName, frozenset[ImageName]], seconds: Mapping[ImageName, float]
) -> list[ImageName]:
    """The images, longest remaining chain first; ties keep `order`, which names parents before children.

    `seconds` holds the recorded duration of images that were built before. The remaining chain of an image is its own
    duration and the longest one among its children (the critical-path priority of list scheduling; Graham 1969).
    """
    remaining: dict[ImageName, float] = {}
    behind: dict[ImageName, float] = dict.fromkeys(order, 0.0)
    for name in reversed(order):
        remaining[name] = behind[name] + seconds.get(name, UNKNOWN)
        for parent in parents[name]:
            behind[parent] = max(behind[parent], remaining[name])
    return sorted(order, key=lambda name: -remaining[name])
