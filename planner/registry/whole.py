"""Looks whether an image can be pulled: whether a registry has everything that its manifest or index names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.errors import RegistryError
from planner.registry.client import DIGEST, Fetched, HttpRegistry

MAX_DEPTH = 4
MAX_PARTS = 10_000


def whole(registry: HttpRegistry, repository: str, digest: str, depth: int = MAX_DEPTH) -> Fetched:
    """The manifest or index of a digest, after a look at all its parts. Raises RegistryError for one that is missing.

    Blobs are asked for and not read: a registry checks them against their digests when it takes them.
    """
    if depth == 0:
        raise RegistryError(f"{repository}: {digest} has indexes that are nested too deep")
    found = registry.fetch(repository, digest)
    if found is None:
        raise RegistryError(f"{repository}: does not hold {digest}")
    for inner in children(found.document):
        whole(registry, repository, inner, depth - 1)
    for blob, _ in blobs(found.document):
        if not registry.has_blob(repository, blob):
            raise RegistryError(f"{repository}: does not hold {blob}, which {digest} names")
    return found


def children(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The manifests that an index names, () for a manifest. Raises RegistryError."""
    return tuple(digest for digest, _ in _named(document.get("manifests", [])))


def blobs(document: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """The blobs that a manifest names, each once, with their sizes in bytes; () for an index. Raises RegistryError."""
    if "manifests" in document:
        return ()
    config = document.get("config")
    return tuple(dict(_named([*([config] if config is not None else []), *(document.get("layers") or [])])).items())


def _named(entries: object) -> Iterator[tuple[str, int]]:
    if not isinstance(entries, list) or len(entries) > MAX_PARTS:
        raise RegistryError("a manifest's parts cannot be read")
    for entry in entries:
        digest = entry.get("digest") if isinstance(entry, dict) else None
        size = entry.get("size") if isinstance(entry, dict) else None
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest) or not isinstance(size, int) or size < 0:
            raise RegistryError("a manifest names a part without a digest or a size")
        yield digest, size
