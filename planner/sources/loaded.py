"""A family that was read: records only. `load` makes them, and whoever only keeps them need not load that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from planner.model.frozen import dataclass, field

if TYPE_CHECKING:
    from planner.model.graph import ImageGraph, Use
    from planner.model.image import Family, ImageName
    from planner.sources.dockerfile.steps import Evaluation
    from planner.sources.dockerfile.syntax import Dockerfile


@dataclass(frozen=True, kw_only=True)
class LoadedFamily:
    """A family read to its steps. `evaluations` are by image and platform, empty for images with unresolved uses.

    `alone` is what each image reads by its own Dockerfile, without what ONBUILD of its parents adds. `untold` are the
    images that were left out because an open reference reaches them, each with what is open.
    """

    family: Family
    graph: ImageGraph
    dockerfiles: Mapping[str, Dockerfile]
    evaluations: Mapping[tuple[ImageName, str], Evaluation]
    alone: Mapping[ImageName, tuple[Use, ...]]
    untold: Mapping[ImageName, Use] = field(default_factory=dict)

    def thinks_alike(self, other: LoadedFamily, name: ImageName) -> bool:
        """Whether another loaded family took this image over from here, or this one from there, as it is."""
        one, two = self.graph.nodes.get(name), other.graph.nodes.get(name)
        if one is None or two is None or one.image != two.image or one.uses != two.uses:
            return False
        if self.family.algorithm != other.family.algorithm:
            return False
        pairs = [(self.evaluations.get((name, at)), other.evaluations.get((name, at))) for at in one.image.platforms]
        if not all(before is not None and before is after for before, after in pairs):
            return False
        return self.dockerfiles[one.image.dockerfile] == other.dockerfiles[one.image.dockerfile]
