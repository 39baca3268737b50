"""Asks of a family what its builds take of the machine, and whether whoever called allowed it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

from planner.build import entitlements
from planner.build.entitlements import Allowed, Wish, allowed_by, wishes_of
from planner.cli.family import folder_of
from planner.digest.key import Keys
from planner.model.graph import Node, RemoteFiles
from planner.model.image import ImageName


def refuse_unallowed(options: argparse.Namespace, keys: Keys, names: Iterable[ImageName]) -> Allowed:
    """What is allowed. Raises BuilderError where these images take more, with all of it at once, and UsageError."""
    allowed = allowed_by(options.allow, os.environ)
    nodes = keys.made_by.loaded.graph.nodes
    entitlements.refuse_unallowed({name: wishes_at(options, nodes[name]) for name in names}, allowed)
    return allowed


def wishes_at(options: argparse.Namespace, node: Node) -> tuple[Wish, ...]:
    """What one image takes of this machine. Raises BuilderError."""
    urls = [use.origin.url for use in node.uses if isinstance(use.origin, RemoteFiles)]
    return wishes_of(node.image, urls, folder_of(options), os.environ)
