"""Chooses the images whose layer caches fit into GitHub's, so that nothing of it is ever evicted. Asks nobody.

What does not fit goes to a registry, or is not cached: an entry that is evicted before it is read costs an upload and
saves nothing (docs.github.com, "Dependency caching": entries that were read longest ago go first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Cached:
    """What is known of an image: its layers with their sizes in bytes, and the seconds that its steps took.

    `layers` is None where no size is known.
    """

    image: str
    layers: Mapping[str, int] | None
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One image: `size` is what it adds to the images chosen before it (bytes), for one writer."""

    image: str
    size: int
    seconds: float
    chosen: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """All images, chosen ones first in the order of choice; `used` is the most that all writers fill together."""

    choices: tuple[Choice, ...]
    used: int
    budget: int
    writers: int


def forecast(images: Sequence[Cached], budget: int, writers: int) -> Forecast:
    """Choose by saved seconds per added byte. `writers` are the pull requests that are open, and main where it writes.

    Layers that images share are stored once, and every writer is taken to change every layer, which is the most.
    """
    known = [one for one in images if one.layers is not None]
    choices: list[Choice] = []
    held: dict[str, int] = {}
    waiting = sorted(known, key=lambda one: one.image)
    while waiting:
        sizes = {one.image: _added(one, held) for one in waiting}
        best = max(waiting, key=lambda one: one.seconds / (sizes[one.image] + 1))
        waiting.remove(best)
        size = sizes[best.image]
        room = budget - sum(held.values()) * writers
        chosen = size * writers <= room and best.seconds > 0
        if chosen:
            held.update(best.layers or {})
        why = "fits" if chosen else "saves nothing" if best.seconds <= 0 else "does not fit any more"
        choices.append(Choice(image=best.image, size=size, seconds=best.seconds, chosen=chosen, why=why))
    choices.sort(key=lambda one: not one.chosen)
    unknown = [
        Choice(image=one.image, size=0, seconds=one.seconds, chosen=False, why="no size is known: build it once here")
        for one in images
        if one.layers is None
    ]
    return Forecast(choices=(*choices, *unknown), used=sum(held.values()) * writers, budget=budget, writers=writers)


def _added(one: Cached, held: Mapping[str, int]) -> int:
    return sum(size for digest, size in (one.layers or {}).items() if digest not in held)
