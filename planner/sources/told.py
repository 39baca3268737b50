"""Tells which images of a family an open reference reaches, and makes a family of all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from planner.errors import DefinitionError
from planner.model.frozen import replace
from planner.model.graph import Use
from planner.model.image import DISCOVERED, ImageName
from planner.ports import Tree
from planner.sources.doubts import TAGS
from planner.sources.load import load, untold
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


def expect_told(loaded: LoadedFamily, names: Collection[ImageName]) -> None:
    """Raise DefinitionError with every open reference that reaches one of these images."""
    graph = loaded.graph
    reached = graph.ancestors(names)
    uses = [(name, graph.nodes[name].uses) for name in graph.order]
    about = [use for name, those in uses for use in those if name in reached or use.role == TAGS]
    if mistakes := list(untold(about, found=loaded.family.file == DISCOVERED)):
        raise DefinitionError(in_order(mistakes, loaded.family))


def without_open(loaded: LoadedFamily, tree: Tree) -> LoadedFamily:
    """The images that no open reference reaches, as a family of their own: all that they read is there.

    It is not the family that its definition makes, and is never to be kept as that.
    """
    out = open_images(loaded)
    images = tuple(image for image in loaded.family.images if image.name not in out)
    doubts = tuple(doubt for doubt in loaded.family.doubts if doubt.image not in out)
    family = replace(loaded.family, images=images, doubts=doubts, written={})
    return replace(load(family, tree, told=True, parsed=loaded.dockerfiles), untold=out)
