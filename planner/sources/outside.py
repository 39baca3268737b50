"""Tells what a loaded family reads from outside: images that it does not build, frontends, sources that ADD fetches."""

from __future__ import annotations

from collections.abc import Mapping

from planner.model.frozen import dataclass
from planner.model.graph import MACHINE, ExternalImage, Node
from planner.model.image import Image, ImageName
from planner.sources.frontends import frontend_of, reference_of
from planner.sources.loaded import LoadedFamily


@dataclass(frozen=True, kw_only=True)
class Outside:
    """References in the form that a lock has them: images with their platforms, all else with the images reading it."""

    images: Mapping[str, frozenset[str]]
    frontends: Mapping[str, tuple[ImageName, ...]]
    sources: Mapping[str, tuple[ImageName, ...]]


def outside(loaded: LoadedFamily) -> Outside:
    """All that is read from outside by a name that does not fix what it means; external images in any case."""
    images: dict[str, set[str]] = {}
    frontends: dict[str, list[ImageName]] = {}
    sources: dict[str, list[ImageName]] = {}
    for name in loaded.graph.order:
        node = loaded.graph.nodes[name]
        for reference in node.externals:
            images.setdefault(reference, set()).update(_platforms(node, reference))
        frontend = reference_of(frontend_of(node.image, loaded.dockerfiles[node.image.dockerfile].directives))
        if frontend and "@" not in frontend:
            frontends.setdefault(frontend, []).append(name)
        for source in remotes(loaded, node.image):
            sources.setdefault(source, []).append(name)
    return Outside(
        images={name: frozenset(platforms) for name, platforms in sorted(images.items())},
        frontends={name: tuple(found) for name, found in sorted(frontends.items())},
        sources={name: tuple(found) for name, found in sorted(sources.items())},
    )


def _platforms(node: Node, reference: str) -> frozenset[str]:
    """The platforms on which an image reads another; its own where it is that of the machine that builds."""
    origin = ExternalImage(reference=reference)
    return frozenset(
        built if one == MACHINE else one for built in node.image.platforms for one in node.platforms_of(origin, built)
    )


def remotes(loaded: LoadedFamily, image: Image) -> tuple[str, ...]:
    """The sources that an image's ADD instructions fetch, on any platform, and that nothing beside them pins."""
    found = (
        source
        for platform in image.platforms
        for step in loaded.evaluations[image.name, platform].steps
        for source in step.remotes
    )
    return tuple(dict.fromkeys(found))
