"""Says what rules that are simpler than keys would rebuild between two trees, to compare with.

Each rule is told the graph as it is, and rebuilds what stands above an image it rebuilds: it is wrong only in what
it takes for an input.
"""

from __future__ import annotations

import enum

from planner.digest.key import Keys
from planner.digest.trace import told
from planner.model.image import Image, ImageName


class Rule(enum.StrEnum):
    """A simpler rule. The values stand on the command line and in JSON."""

    DIRECTORY_HASH = "directory-hash"
    PATH_FILTER = "path-filter"
    EVERYTHING = "everything"


def rebuilt_by(rule: Rule, before: Keys, now: Keys) -> frozenset[ImageName]:
    """The images that a rule rebuilds; those that are new are built by every rule."""
    graph = now.made_by.loaded.graph
    old, new = before.made_by.tree, now.made_by.tree
    if rule is Rule.EVERYTHING:
        return frozenset(graph.order) if told(old, "") != told(new, "") else frozenset()
    own = (
        name
        for name in graph.order
        if name not in before.keys
        or any(told(old, path) != told(new, path) for path in _looks_at(rule, graph.nodes[name].image))
    )
    return graph.descendants(own)


def _looks_at(rule: Rule, image: Image) -> tuple[str, ...]:
    if rule is Rule.PATH_FILTER:
        return (image.dockerfile.rpartition("/")[0],)
    return ("" if image.context == "." else image.context, image.dockerfile)
