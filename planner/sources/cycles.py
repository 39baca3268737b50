"""Turns a family that reads itself in a circle into mistakes: one cycle of each knot, every reading with its place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from planner.errors import Mistake
from planner.model.graph import ParentImage, Use
from planner.model.image import ImageName


def cycle_mistakes(
    uses: Mapping[ImageName, tuple[Use, ...]], parents: Mapping[ImageName, tuple[ImageName, ...]]
) -> Iterator[Mistake]:
    """The cycles among images: for each set of images that all read one another, one cycle and its references."""
    import networkx  # loaded for a family that is wrong only

    graph: networkx.DiGraph[ImageName] = networkx.DiGraph(
        [(child, parent) for child, read in parents.items() for parent in read]
    )
    knots = [
        knot
        for knot in networkx.strongly_connected_components(graph)
        if len(knot) > 1 or graph.has_edge(min(knot), min(knot))
    ]
    for knot in sorted(knots, key=min):
        cycle = [child for child, _ in networkx.find_cycle(graph.subgraph(knot), min(knot))]
        yield from _told([*cycle, cycle[0]], uses)


def _told(path: list[ImageName], uses: Mapping[ImageName, tuple[Use, ...]]) -> Iterator[Mistake]:
    whole = " → ".join(path)
    what = f"the images depend on themselves: {whole}"
    for child, parent in itertools.pairwise(path):
        use = next(use for use in uses[child] if use.origin == ParentImage(name=parent))
        yield Mistake(
            file=use.span.file,
            line=use.span.line,
            what=f"{what}\n    here {child} reads {parent}: {use.role} {use.reference}",
            hint="take one of these references out of the cycle",
        )
        what = f"the same cycle, {whole}"
