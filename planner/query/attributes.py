"""The attributes of images: as text for `attr`, as targets for `labels`, and the kinds of targets for `kind`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from planner.model.graph import ExternalImage, Node, ParentImage
from planner.model.image import ImageName, Pairs
from planner.query.targets import Target, Targets, Type, World, image


def _list(texts: Iterable[str]) -> str:
    """A list as Bazel shows it to patterns: `[a, b]`, with its brackets also where it is empty."""
    return f"[{', '.join(texts)}]"


def _pairs(pairs: Pairs) -> str:
    return _list(f"{name}={value}" for name, value in sorted(pairs))


ATTRIBUTES: Mapping[str, Callable[[Node], str]] = {
    "args": lambda node: _pairs(node.image.args),
    "context": lambda node: node.image.context,
    "contexts": lambda node: _pairs(node.image.contexts),
    "dockerfile": lambda node: node.image.dockerfile,
    "externals": lambda node: _list(node.externals),
    "kind": lambda node: node.kind.value,
    "labels": lambda node: _pairs(node.image.labels),
    "level": lambda node: str(node.level),
    "name": lambda node: node.image.name,
    "network": lambda node: node.image.network,
    "parents": lambda node: _list(image(name).label for name in node.parents),
    "platforms": lambda node: _list(node.image.platforms),
    "secrets": lambda node: _list(node.image.secrets),
    "ssh": lambda node: _list(node.image.ssh),
    "tags": lambda node: _list(node.image.tags),
    "target": lambda node: node.image.target,
}
"""What `attr` reads, as the text that its pattern is looked for in."""


def _from(node: Node) -> Targets:
    """What the FROM lines name, of the graph and outside of it."""
    found: set[Target] = set()
    for use in node.uses:
        if use.role == "FROM" and isinstance(use.origin, ParentImage):
            found.add(image(use.origin.name))
        elif use.role == "FROM" and isinstance(use.origin, ExternalImage):
            found.add(Target(Type.EXTERNAL, use.origin.reference))
    return frozenset(found)


LABELS: Mapping[str, Callable[[World, Target], Targets]] = {
    "dockerfile": lambda world, one: frozenset([Target(Type.FILE, node_of(world, one).image.dockerfile)]),
    "externals": lambda world, one: world.externals[one],
    "from": lambda world, one: _from(node_of(world, one)),
    "parents": lambda world, one: frozenset(world.parents[one]),
    "srcs": lambda world, one: world.inputs(one),
}
"""What `labels` reads, as the targets that it names."""


def node_of(world: World, target: Target) -> Node:
    """The node of an image."""
    return world.graph.nodes[ImageName(target.name)]


def kind_of(world: World, target: Target) -> str:
    """What `kind` looks its pattern for in: `base image`, `cuda image`, `derived image`, `source file`, `external`."""
    if target.type is Type.IMAGE:
        return f"{node_of(world, target).kind.value} image"
    return "source file" if target.type is Type.FILE else "external"
