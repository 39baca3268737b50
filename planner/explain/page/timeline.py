"""Turns records of what was built into runs: who was built when, for how long, and the path that the end waited for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.explain.history import Built
from planner.model.frozen import dataclass
from planner.model.image import ImageName

PAUSE = 10.0
"""Seconds without any image being built that end a run; within one, the next image starts at once."""
MOST_RUNS = 50
"""Runs that a page shows: the newest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One image of a run, in seconds since the run began. `critical` when the run's end waited for it."""

    image: ImageName
    start: float
    seconds: float
    steps: int
    cached: int
    critical: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Images that were built together, in the order they started. `began` is in seconds since 1970, UTC."""

    began: float
    seconds: float
    bars: tuple[Bar, ...]


def runs(records: Iterable[Built], parents: Mapping[ImageName, tuple[ImageName, ...]]) -> tuple[Run, ...]:
    """The runs that recorded builds come from, the newest first; of more than a page shows, the newest."""
    found: list[list[Built]] = []
    end = 0.0
    for record in sorted(records, key=lambda record: (_start(record), record.image)):
        if not found or _start(record) > end + PAUSE:
            found.append([])
            end = 0.0
        found[-1].append(record)
        end = max(end, record.built_at)
    return tuple(_run(group, parents) for group in found[: -MOST_RUNS - 1 : -1])


def _start(record: Built) -> float:
    return record.built_at - record.seconds


def _run(records: list[Built], parents: Mapping[ImageName, tuple[ImageName, ...]]) -> Run:
    began = min(_start(record) for record in records)
    critical = _critical({record.image: record.built_at for record in records}, parents)
    bars = tuple(
        Bar(
            image=record.image,
            start=round(_start(record) - began, 3),
            seconds=round(record.seconds, 3),
            steps=record.steps,
            cached=record.cached,
            critical=record.image in critical,
        )
        for record in records
    )
    return Run(began=began, seconds=round(max(record.built_at for record in records) - began, 3), bars=bars)


def _critical(ended: Mapping[ImageName, float], parents: Mapping[ImageName, tuple[ImageName, ...]]) -> set[ImageName]:
    """From the image that ended last to the parent that ended last, and so on."""
    path: set[ImageName] = set()
    here = max(ended, key=lambda name: (ended[name], name))
    while here not in path:
        path.add(here)
        above = [name for name in parents.get(here, ()) if name in ended]
        here = max(above, key=lambda name: (ended[name], name), default=here)
    return path
