"""Turns the targets of a query into lines, a document, or Bazel's graph."""

from __future__ import annotations

import json
from collections.abc import Callable

from planner.query.attributes import kind_of
from planner.query.targets import Target, Type, World


def labels(world: World, targets: tuple[Target, ...], _: str) -> list[str]:
    """A label for each target."""
    return [target.label for target in targets]


def names(world: World, targets: tuple[Target, ...], _: str) -> list[str]:
    """A name, reference or path for each target: what the other commands take."""
    return [target.name for target in targets]


def document(world: World, targets: tuple[Target, ...], text: str) -> list[str]:
    """The document of `planner/schemas/query.json`, version 1."""
    found = []
    for target in targets:
        kind = kind_of(world, target).removesuffix(" image") if target.type is Type.IMAGE else None
        reads = [other.label for other in _reads(world, target, targets)]
        found.append(
            {"type": target.type.value, "name": target.name, "label": target.label, "kind": kind, "reads": reads}
        )
    return [json.dumps({"version": 1, "query": text, "targets": found}, indent=2, ensure_ascii=True)]


def graph(world: World, targets: tuple[Target, ...], _: str) -> list[str]:
    """Graphviz as Bazel writes it: arrows from what reads to what is read, among the targets."""
    lines = ["digraph mygraph {", "  node [shape=box];"]
    for target in targets:
        lines.append(f"  {json.dumps(target.label)}")
        lines.extend(
            f"  {json.dumps(target.label)} -> {json.dumps(other.label)}" for other in _reads(world, target, targets)
        )
    return [*lines, "}"]


COLOURS = {"base image": "#dbeafe", "cuda image": "#dcfce7", "derived image": "#f3f4f6"}


def dot(world: World, targets: tuple[Target, ...], _: str) -> list[str]:
    """Graphviz as `planner graph` draws it: kinds by colour, arrows from what is read to what reads it."""
    lines = ["digraph images {", '  rankdir="LR";', '  node [shape="box", style="rounded,filled"];']
    for target in targets:
        colour = COLOURS.get(kind_of(world, target))
        look = f'fillcolor="{colour}"' if colour else 'style="dashed"'
        lines.append(f"  {json.dumps(target.name)} [{look}];")
    for target in targets:
        lines.extend(
            f"  {json.dumps(other.name)} -> {json.dumps(target.name)};" for other in _reads(world, target, targets)
        )
    return [*lines, "}"]


def _reads(world: World, target: Target, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """What a target reads directly among the others."""
    if target.type is not Type.IMAGE:
        return ()
    found = frozenset(world.parents[target]) | world.externals[target]
    if any(other.type is Type.FILE for other in targets):
        found |= world.inputs(target)
    return world.ordered(found & frozenset(targets))


OUTPUTS: dict[str, Callable[[World, tuple[Target, ...], str], list[str]]] = {
    "label": labels,
    "name": names,
    "json": document,
    "dot": dot,
    "graph": graph,
}
"""The values of `--output`."""
