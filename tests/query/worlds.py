"""Families made of nothing but names and edges, for queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.model.graph import (
    ExternalImage,
    ImageGraph,
    Node,
    Origin,
    ParentImage,
    Use,
    children_of,
    levels_of,
    order_of,
)
from planner.model.image import Image, ImageName, Kind, Pairs, Span
from planner.query.targets import World

Edges = Mapping[str, Sequence[str]]


def graph_of(
    parents: Edges,
    externals: Edges | None = None,
    kinds: Mapping[str, Kind] | None = None,
    dockerfiles: Mapping[str, str] | None = None,
    args: Mapping[str, Pairs] | None = None,
    tags: Edges | None = None,
) -> ImageGraph:
    """A graph whose images read these parents and externals with FROM."""
    names = {ImageName(name): tuple(sorted(ImageName(one) for one in found)) for name, found in parents.items()}
    order = order_of(names)
    levels = levels_of(order, names)
    nodes = {}
    for name in order:
        origins: list[Origin] = [ParentImage(name=parent) for parent in names[name]]
        origins += [ExternalImage(reference=text) for text in (externals or {}).get(name, ())]
        dockerfile = (dockerfiles or {}).get(name, f"{name}.Dockerfile")
        span = Span(file=dockerfile, line=1)
        image = Image(
            name=name,
            span=span,
            dockerfile=dockerfile,
            args=(args or {}).get(name, ()),
            tags=tuple((tags or {}).get(name, ())),
        )
        uses = tuple(Use(role="FROM", reference=str(origin), span=span, origin=origin) for origin in origins)
        kind = (kinds or {}).get(name, Kind.DERIVED if names[name] else Kind.BASE)
        nodes[name] = Node(image=image, uses=uses, kind=kind, level=levels[name])
    return ImageGraph(nodes=nodes, order=order, children=children_of(names))


def world_of(graph: ImageGraph, files: Edges | None = None, affected: Edges | None = None) -> World:
    """A world over a graph, with the files of each image and the images that each revision affects."""
    return World(
        graph=graph,
        files=lambda name: (files or {}).get(name, ()),
        affected=lambda revision: map(ImageName, (affected or {})[revision]),
    )
