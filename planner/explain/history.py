"""Turns the builds that records tell of into a table for people and a document for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime

from planner.explain.text import printable
from planner.model.frozen import dataclass
from planner.model.image import ImageName

BLOCKS = "▁▂▃▄▅▆▇█"
SHOWN = 12
"""Builds in the small picture of an image."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """One recorded build: when it ended (seconds since 1970, UTC), how long it took, how many steps came from cache.

    `retries` are the tries before it that failed in a way that may pass.
    """

    image: ImageName
    built_at: float
    seconds: float
    cached: int = 0
    steps: int = 0
    retries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """The recorded builds of one image, oldest first. `trend` is the last duration by the median of those before."""

    image: ImageName
    builds: tuple[Built, ...]

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(one.seconds for one in self.builds)

    @property
    def trend(self) -> float | None:
        """None where there is nothing to compare with."""
        before = [one.seconds for one in self.builds[:-1]]
        return self.builds[-1].seconds / statistics.median(before) if before and statistics.median(before) > 0 else None

    @property
    def cached(self) -> float:
        """The part of all steps that came from cache, from 0 to 1."""
        steps = sum(one.steps for one in self.builds)
        return sum(one.cached for one in self.builds) / steps if steps else 0.0

    @property
    def retries(self) -> int:
        """All tries that failed before one of the builds came out."""
        return sum(one.retries for one in self.builds)


def pasts(builds: Sequence[Built]) -> list[Past]:
    """By image, the one that took longest in all first."""
    found: dict[ImageName, list[Built]] = {}
    for one in builds:
        found.setdefault(one.image, []).append(one)
    told = [Past(image=name, builds=tuple(sorted(some, key=lambda one: one.built_at))) for name, some in found.items()]
    return sorted(told, key=lambda past: (-sum(one.seconds for one in past.builds), past.image))


def history_text(found: Sequence[Past]) -> str:
    """A line for each image."""
    if not found:
        return "nothing was built here yet"
    width = max(len(past.image) for past in found)
    lines = [f"{'image':<{width}}  builds    median      last   trend  cached  retries  last built"]
    for past in found:
        trend = "" if past.trend is None else f"×{past.trend:.2f}"
        when = datetime.fromtimestamp(past.builds[-1].built_at, UTC).strftime("%Y-%m-%d %H:%M")
        lines.append(
            f"{printable(past.image):<{width}}  {len(past.builds):>6}  {past.median:>6.1f} s  "
            f"{past.builds[-1].seconds:>6.1f} s  {trend:>6}  {past.cached:>6.0%}  {past.retries:>7}  "
            f"{when}  {_drawn(past)}"
        )
    return "\n".join(lines)


def _drawn(past: Past) -> str:
    seconds = [one.seconds for one in past.builds[-SHOWN:]]
    longest = max(seconds) or 1.0
    return "".join(BLOCKS[round(one / longest * (len(BLOCKS) - 1))] for one in seconds)


def history_json(found: Sequence[Past]) -> str:
    """All recorded builds as a document, version 1."""
    images = [
        {
            "name": past.image,
            "median_seconds": round(past.median, 3),
            "trend": None if past.trend is None else round(past.trend, 3),
            "cached": round(past.cached, 3),
            "retries": past.retries,
            "builds": [
                {
                    "built_at": one.built_at,
                    "seconds": round(one.seconds, 3),
                    "cached": one.cached,
                    "steps": one.steps,
                    "retries": one.retries,
                }
                for one in past.builds
            ],
        }
        for past in found
    ]
    return json.dumps({"version": 1, "images": images}, indent=2)
