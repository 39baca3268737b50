"""Looks whether an image can be pulled: whether a registry has everything that its manifest or index names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.errors import RegistryError
from planner.model.names import SHA256
from planner.registry.client import Fetched, HttpRegistry

MAX_DEPTH = 4
MAX_PARTS = 10_000
"""Entries of one manifest or index."""
MAX_MANIFESTS = 1_000
"""Manifests and indexes of one image."""
MAX_BYTES = 64 << 20
"""Bytes of all of them together."""


def whole(registry: HttpRegistry, repository: str, digest: str) -> Fetched:
    """The manifest or index of a digest, after a look at all its parts. Raises RegistryError for one that is missing.

    Blobs are asked for and not read: a registry checks them against their digests when it takes them.
    """
    found = manifests_of(registry, repository, digest)
    for blob, owner in {blob: one.digest for one in found for blob, _ in blobs(one.document)}.items():
        if not registry.has_blob(repository, blob):
            raise RegistryError(f"{repository}: does not hold {blob}, which {owner} names")
    return found[-1]


def manifests_of(registry: HttpRegistry, repository: str, digest: str) -> tuple[Fetched, ...]:
    """The manifests of an image, each once and children before their index.

    An index may name others, and them again and again: each is asked for once. Raises RegistryError for one that is
    missing, and for an image that is nested deeper or has more manifests than any that is built.
    """
    found: dict[str, Fetched] = {}
    entered: set[str] = set()
    room = MAX_BYTES

    def visit(digest: str, depth: int) -> None:
        nonlocal room
        if depth == 0:
            raise RegistryError(f"{repository}: {digest} has indexes that are nested too deep")
        entered.add(digest)
        one = registry.fetch(repository, digest)
        if one is None:
            raise RegistryError(f"{repository}: does not hold {digest}")
        room -= len(one.body)
        if len(entered) > MAX_MANIFESTS or room < 0:
            raise RegistryError(
                f"{repository}: {digest} belongs to an image of more than {MAX_MANIFESTS} manifests, "
                f"or of more than {MAX_BYTES} bytes of them"
            )
        for inner in children(one.document):
            if inner not in entered:
                visit(inner, depth - 1)
        found[digest] = one

    visit(digest, MAX_DEPTH)
    return tuple(found.values())


def children(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The manifests that an index names, () for a manifest. Raises RegistryError."""
    return tuple(digest for digest, _ in _named(document.get("manifests", [])))


def blobs(document: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """The blobs that a manifest names, each once, with their sizes in bytes; () for an index. Raises RegistryError."""
    if "manifests" in document:
        return ()
    config = document.get("config")
    parts = (*_named([config] if config is not None else []), *_named(document.get("layers") or []))
    return tuple(dict(parts).items())


def _named(entries: object) -> Iterator[tuple[str, int]]:
    if not isinstance(entries, list) or len(entries) > MAX_PARTS:
        raise RegistryError("a manifest's parts cannot be read")
    for entry in entries:
        digest = entry.get("digest") if isinstance(entry, dict) else None
        size = entry.get("size") if isinstance(entry, dict) else None
        if not isinstance(digest, str) or not SHA256.fullmatch(digest) or not isinstance(size, int) or size < 0:
            raise RegistryError("a manifest names a part without a digest or a size")
        yield digest, size
