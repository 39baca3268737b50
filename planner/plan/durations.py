"""Turns recorded durations into one for every image: those never built here get an upper bound by their kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.model.frozen import dataclass
from planner.model.graph import ImageGraph
from planner.model.image import ImageName, Kind

ASSUMED: Mapping[Kind, float] = {Kind.BASE: 300.0, Kind.CUDA: 1800.0, Kind.DERIVED: 600.0}
"""Seconds taken for an image of a kind of which none was ever built. Assumptions, not measurements."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Durations:
    """Seconds by image. `recorded` names those that were measured; the others are bounds by kind."""

    seconds: Mapping[ImageName, float]
    recorded: frozenset[ImageName] = frozenset()


def durations(graph: ImageGraph, names: Iterable[ImageName], recorded: Mapping[ImageName, float]) -> Durations:
    """What each image will take: as recorded, else the longest recorded of its kind, else what is assumed of the kind.

    `recorded` may hold images that are not in the graph; they count for nothing.
    """
    longest: dict[Kind, float] = {}
    for name, seconds in recorded.items():
        if name in graph.nodes:
            kind = graph.nodes[name].kind
            longest[kind] = max(longest.get(kind, 0.0), seconds)
    found: dict[ImageName, float] = {}
    known: set[ImageName] = set()
    for name in names:
        kind = graph.nodes[name].kind
        if name in recorded:
            known.add(name)
        found[name] = recorded.get(name, longest.get(kind, ASSUMED[kind]))
    return Durations(seconds=found, recorded=frozenset(known))
