"""Removes manifests for good, in an order in which nothing that is left is ever half there.

A list of what is attached goes before records, records before their images, indexes before what they name: wherever it
is stopped, no record tells of an image that is gone, and no index lacks a part.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Sequence
from typing import Protocol

from planner.plan.retention import Manifest, linked
from planner.registry.client import HttpRegistry
from planner.registry.listing import Listing


class Remover(Protocol):
    """Removes manifests of one registry."""

    def widened(self, registry: HttpRegistry, each: Listing) -> Listing:
        """A listing with what the registry's own ways show besides. Raises RegistryError."""

    def remove(self, manifests: Sequence[Manifest]) -> int:
        """Remove these manifests of one repository; gives how many were there. Raises RegistryError."""


class OciRemover:
    """Removes through the OCI API, by digest: all tags of a manifest go with it."""

    def __init__(self, registry: HttpRegistry) -> None:
        self.registry = registry

    def widened(self, registry: HttpRegistry, each: Listing) -> Listing:
        """See Remover: nothing."""
        return each

    def remove(self, manifests: Sequence[Manifest]) -> int:
        """See Remover."""
        return sum(self.registry.delete(one.repository, one.digest) for one in in_order(manifests))


def in_order(manifests: Sequence[Manifest]) -> tuple[Manifest, ...]:
    """The manifests of one repository, each before everything that it leads to or is attached to.

    Tags can lead in a circle, since whoever pushes chooses them: then they count for nothing. Digests cannot.
    """
    named = ((one.digest, other) for one in manifests for other in {*one.children, one.subject})
    return _ordered(manifests, linked(manifests)) or _ordered(manifests, named)


def _ordered(manifests: Sequence[Manifest], links: Iterable[tuple[str, str]]) -> tuple[Manifest, ...]:
    """The manifests along the links, () where those lead in a circle."""
    by_digest = {one.digest: one for one in manifests}
    before: dict[str, set[str]] = {digest: set() for digest in by_digest}
    for one, other in links:
        if other in by_digest and other != one:
            before[other].add(one)
    try:
        return tuple(by_digest[digest] for digest in graphlib.TopologicalSorter(before).static_order())
    except graphlib.CycleError:
        return ()
