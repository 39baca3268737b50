"""Holds the lock of a pull request against what registries say: whoever wrote it may want a base taken for another.

A base's triggers (ONBUILD) stand in its configuration alone, and what they read is looked at by the lock's word.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.digest.key import Keys
from planner.explain.text import printable
from planner.model.image import ImageName
from planner.model.names import Reference
from planner.registry.client import HttpRegistry
from planner.registry.inspect import inspect
from planner.sources import lock_file


def false_entries(keys: Keys, names: Iterable[ImageName], registry: HttpRegistry) -> list[str]:
    """What the lock says of the images from outside that these images read, and their registry does not.

    Raises RegistryError where that cannot be told.
    """
    loaded = keys.made_by.loaded
    read = dict.fromkeys(reference for name in names for reference in loaded.graph.nodes[name].externals)
    wrong = []
    for reference in read:
        locked = loaded.family.lock.images.get(reference)
        if locked is None:
            continue
        pinned = Reference.parse(f"{reference.partition('@')[0]}@{locked.digest}")
        if inspect(registry, pinned, locked.platforms) != locked:
            wrong.append(f"{lock_file.NAME} does not say of {printable(reference)} what its registry says")
    return wrong
