"""Random families with durations, as the work that a plan leaves to CI."""

from __future__ import annotations

import random
from collections.abc import Sequence

from planner.ci.jobs import Rebuild, rebuild_of
from planner.model.graph import ImageGraph, Node, ParentImage, Use, children_of, levels_of, order_of
from planner.model.image import Family, Image, ImageName, Kind, KindDefaults, Span
from planner.plan.durations import durations
from planner.plan.rebuild import Action, Plan, PlannedImage

HERE = Span(file="images.yaml", line=1)


def work(
    seed: int,
    count: int,
    *,
    names: Sequence[str] = (),
    registry: str = "registry.example/f",
    runners: bool = True,
    rebuilt: float = 1.0,
) -> Rebuild:
    """A family of `count` images, of which a part rebuilds: what stands on a rebuilt image always does."""
    turn = random.Random(seed)  # noqa: S311 -- the same family each time is what is wanted
    all_names = [ImageName(names[index] if index < len(names) else f"image{index}") for index in range(count)]
    parents: dict[ImageName, tuple[ImageName, ...]] = {}
    for index, name in enumerate(all_names):
        near = all_names[max(0, index - 12) : index]
        parents[name] = tuple(turn.sample(near, min(turn.choice((0, 1, 1, 1, 2, 3)), len(near))))
    graph = graph_of(parents, turn)
    kinds = (("cuda", KindDefaults(runner="large-disk")),) if runners else ()
    family = Family(file="images.yaml", images=(), registry=registry, kinds=kinds)
    building: set[ImageName] = set()
    for name in graph.order:
        if turn.random() < rebuilt or building & set(parents[name]):
            building.add(name)
    recorded = {name: turn.expovariate(1 / 120) for name in graph.order if turn.random() < 0.7}
    plan = plan_of(graph, building)
    return rebuild_of(plan, graph, family, durations(graph, [image.name for image in plan.building], recorded))


def graph_of(parents: dict[ImageName, tuple[ImageName, ...]], turn: random.Random) -> ImageGraph:
    """A graph with these edges; kinds as chance has it."""
    order = order_of(parents)
    levels = levels_of(order, parents)
    nodes = {}
    for name in order:
        uses = tuple(
            Use(role="FROM", reference=parent, span=HERE, origin=ParentImage(name=parent)) for parent in parents[name]
        )
        kind = turn.choice((Kind.CUDA, Kind.DERIVED)) if uses else Kind.BASE
        nodes[name] = Node(image=Image(name=name, span=HERE), uses=uses, kind=kind, level=levels[name])
    return ImageGraph(nodes=nodes, order=order, children=children_of(parents))


def plan_of(graph: ImageGraph, building: set[ImageName]) -> Plan:
    """A plan that builds these."""
    images = tuple(
        PlannedImage(
            name=name,
            action=Action.BUILD if name in building else Action.REUSE,
            key="x3-" + "0" * 32,
            reasons=(),
            parents=graph.nodes[name].parents,
            level=graph.nodes[name].level,
        )
        for name in graph.order
    )
    return Plan(against="HEAD", images=images, total=len(images))
