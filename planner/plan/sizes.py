"""What is assumed of the sizes of images and of the rate at which they travel, where nothing tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.model.graph import ImageGraph
from planner.model.image import ImageName, Kind

ASSUMED_SIZES: Mapping[Kind, float] = {Kind.BASE: 300e6, Kind.CUDA: 4e9, Kind.DERIVED: 1e9}
"""Bytes that are transferred for an image of each kind, compressed. Assumptions: records hold no sizes."""
PULL = 60e6
"""Bytes a second that a builder gets an image with. An assumption."""


def fetch_seconds(
    graph: ImageGraph, names: Iterable[ImageName], known: Mapping[ImageName, int], rate: float = PULL
) -> dict[ImageName, float]:
    """Seconds to bring each image to a builder that has nothing of it; `known` holds sizes in bytes."""
    return {name: known.get(name, ASSUMED_SIZES[graph.nodes[name].kind]) / rate for name in names}
