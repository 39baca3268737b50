"""Draws a graph as a tree of text, as Graphviz dot, or as Mermaid."""

from __future__ import annotations

import json

from planner.model.graph import ImageGraph
from planner.model.image import ImageName, Kind

COLOURS = {Kind.BASE: "#dbeafe", Kind.CUDA: "#dcfce7", Kind.DERIVED: "#f3f4f6"}


def tree(graph: ImageGraph) -> str:
    """A tree from the images without parents down; an image with several parents names the others."""
    lines: list[str] = []
    shown: set[ImageName] = set()
    # Not by recursion: a family may be deeper than Python allows.
    waiting = [(name, "", "") for name in reversed(graph.order) if not graph.nodes[name].parents]
    while waiting:
        name, head, below = waiting.pop()
        node = graph.nodes[name]
        again = name in shown
        notes = [node.kind.value]
        if not node.parents and node.externals:
            notes.append(f"from {', '.join(node.externals)}")
        notes.extend(f"cannot tell {use.reference}" for use in node.unresolved)
        lines.append(f"{head}{name}" + ("  (see above)" if again else f"  [{'; '.join(notes)}]"))
        if again:
            continue
        shown.add(name)
        names = graph.children.get(name, ())
        children = [(child, below + "├─ ", below + "│  ") for child in names]
        children[-1:] = [(child, below + "└─ ", below + "   ") for child in names[-1:]]
        waiting += reversed(children)
    return "\n".join(lines)


def dot(graph: ImageGraph) -> str:
    """Graphviz: externals as dashed boxes, arrows from what is read to what reads it."""
    lines = ["digraph images {", '  rankdir="LR";', '  node [shape="box", style="rounded,filled"];']
    for name in graph.order:
        colour = COLOURS[graph.nodes[name].kind]
        lines.append(f"  {json.dumps(name)} [fillcolor={json.dumps(colour)}];")
    externals = sorted({text for node in graph.nodes.values() for text in node.externals})
    lines.extend(f'  {json.dumps(text)} [style="dashed"];' for text in externals)
    for name in graph.order:
        node = graph.nodes[name]
        lines.extend(f"  {json.dumps(source)} -> {json.dumps(name)};" for source in (*node.parents, *node.externals))
    return "\n".join([*lines, "}"])


def mermaid(graph: ImageGraph) -> str:
    """Mermaid, as many forges draw it in Markdown."""
    ids = {name: f"i{index}" for index, name in enumerate(graph.order)}
    lines = ["graph LR"]
    lines.extend(f'  {ids[name]}["{name}"]:::{graph.nodes[name].kind.value}' for name in graph.order)
    for name in graph.order:
        lines.extend(f"  {ids[parent]} --> {ids[name]}" for parent in graph.nodes[name].parents)
    lines.extend(f"  classDef {kind.value} fill:{colour},stroke:#6b7280" for kind, colour in COLOURS.items())
    return "\n".join(lines)
