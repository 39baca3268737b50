"""Tells which images that a build is given have the name of a stage of its Dockerfile.

A build is given its parents and what is locked as named contexts. BuildKit puts a named context in the place of each
stage of its name, whose instructions are then not run (`buildDispatchStates`, v0.32.2).
"""

from __future__ import annotations

from planner.model.graph import ExternalImage, Node, ParentImage
from planner.model.lock import Lock
from planner.model.names import familiar
from planner.sources.dockerfile.syntax import Dockerfile, From


def named_like_stages(node: Node, dockerfile: Dockerfile, lock: Lock) -> frozenset[str]:
    """The names by which BuildKit would look for such images, but for those that the definition itself gives."""
    stages = {familiar(item.stage) for item in dockerfile.instructions if isinstance(item, From) and item.stage}
    if not stages:
        return frozenset()
    declared = {familiar(name) for name, _ in node.image.contexts}
    given = {
        familiar(use.reference)
        for use in node.uses
        if isinstance(use.origin, ParentImage)
        or (isinstance(use.origin, ExternalImage) and use.origin.reference in lock.images)
    }
    return frozenset(given & stages - declared)
