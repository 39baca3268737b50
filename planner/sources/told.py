"""Tells which images of a family an open reference reaches, and makes a family of all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from planner.errors import DefinitionError
from planner.model.frozen import replace
from planner.model.graph import Use
from planner.model.image import DISCOVERED, ImageName
from planner.ports import Tree
from planner.sources.doubts import DOCKERFILE, TAGS
from planner.sources.load import load, unmade, untold
from planner.sources.loaded import LoadedFamily
from planner.sources.stacks import in_order


def open_images(loaded: LoadedFamily) -> Mapping[ImageName, Use]:
    """The images that an open reference reaches, each with the first one in its way.

    Where a name that an image is published under cannot be read, nothing tells who reads that image: all are open.
    """
    graph = loaded.graph
    found: dict[ImageName, Use] = {}
    for name in graph.order:
        node = graph.nodes[name]
        above = [found[parent] for parent in node.parents if parent in found]
        if first := [*node.unresolved, *above]:
            found[name] = first[0]
    nameless = [use for use in found.values() if use.role == TAGS]
    return {name: found.get(name, nameless[0]) for name in graph.order} if nameless else found


def is_whole(loaded: LoadedFamily) -> bool:
    """Whether nothing is open, and no image is missing."""
    has_all = not any(doubt.role == DOCKERFILE for doubt in loaded.family.doubts)
    return has_all and not any(node.unresolved for node in loaded.graph.nodes.values())


def expect_told(loaded: LoadedFamily, names: Collection[ImageName], *, whole: bool) -> None:
    """Raise DefinitionError with every open reference that reaches one of these images.

    Where these are to be the `whole` family, Dockerfiles with mistakes are told too: each is one that is missing.
    """
    graph = loaded.graph
    reached = graph.ancestors(names)
    uses = [(name, graph.nodes[name].uses) for name in graph.order]
    about = [use for name, those in uses for use in those if name in reached or use.role == TAGS]
    mistakes = list(untold(about, found=loaded.family.file == DISCOVERED))
    if whole:
        mistakes.extend(unmade(loaded.family))
    if mistakes:
        raise DefinitionError(in_order(mistakes, loaded.family))


def without_open(loaded: LoadedFamily, tree: Tree) -> LoadedFamily:
    """The images that no open reference reaches, as a family of their own: all that they read is there.

    It is not the family that its definition makes, and is never to be kept as that.
    """
    out = open_images(loaded)
    images = tuple(image for image in loaded.family.images if image.name not in out)
    kept = {image.name for image in images}
    doubts = tuple(doubt for doubt in loaded.family.doubts if doubt.image in kept)
    family = replace(loaded.family, images=images, doubts=doubts, written={})
    return replace(load(family, tree, told=True, parsed=loaded.dockerfiles), untold=out)
