"""Copies an image by digest from one repository to another, of any registries: nothing is pulled to disk or rebuilt.

First a plan of what has to move, then the moving: blobs, then manifests with children before their index, then a look
whether all of it arrived.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from planner.errors import RegistryError
from planner.registry.client import Fetched, HttpRegistry, expect, mount_scope
from planner.registry.whole import blobs, manifests_of, whole

TRIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Blob:
    """A blob of an image, its size in bytes, and whether the target has it already."""

    digest: str
    size: int
    there: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyPlan:
    """What a copy of one image needs: its manifests, children before their index, and its blobs."""

    source: str
    target: str
    digest: str
    manifests: tuple[Fetched, ...]
    blobs: tuple[Blob, ...]
    there: bool

    @property
    def missing(self) -> tuple[Blob, ...]:
        """The blobs that have to move."""
        return tuple(blob for blob in self.blobs if not blob.there)


def plan_copy(registry: HttpRegistry, source: str, digest: str, target: str) -> CopyPlan:
    """What has to move. Raises RegistryError, also where the source is not whole."""
    manifests = manifests_of(registry, source, digest)
    sizes = dict(part for manifest in manifests for part in blobs(manifest.document))
    return CopyPlan(
        source=source,
        target=target,
        digest=digest,
        manifests=manifests,
        blobs=tuple(
            Blob(digest=blob, size=size, there=registry.has_blob(target, blob)) for blob, size in sizes.items()
        ),
        there=registry.digest_of(target, digest) == digest,
    )


def copy(registry: HttpRegistry, plan: CopyPlan) -> Counter[str]:
    """Move what a plan names; gives how many blobs were `there`, `mounted` and `streamed`. Raises RegistryError."""
    counts: Counter[str] = Counter()
    for blob in plan.blobs:
        counts[_copied(registry, plan, blob)] += 1
    for manifest in plan.manifests:
        registry.put(plan.target, manifest.digest, manifest.body, manifest.media_type)
    whole(registry, plan.target, plan.digest)
    return counts


def _copied(registry: HttpRegistry, plan: CopyPlan, blob: Blob) -> str:
    """A stream cannot be sent again midway, so a whole blob is."""
    for turn in range(TRIES):
        try:
            return copy_blob(registry, plan.source, blob.digest, blob.size, plan.target)
        except RegistryError:
            if turn + 1 == TRIES:
                raise
    raise AssertionError("a blob is tried at least once")


def copy_blob(registry: HttpRegistry, source: str, digest: str, size: int, target: str) -> str:
    """Bring a blob to another repository: mounted where both are of one registry, else streamed.

    Gives `there`, `mounted` or `streamed`. Nothing is kept here, and what arrives is checked by the registry
    against the digest. Raises RegistryError.
    """
    if registry.has_blob(target, digest):
        return "there"
    place = registry.begin_upload(target, digest, source)
    if not place:
        return "mounted"
    stream = checked(registry, source, digest, size)
    answer = registry.end_upload(target, place, digest, stream=stream, length=size, also=mount_scope(source, target))
    expect(answer, target, 201, 204)
    return "streamed"


def checked(registry: HttpRegistry, repository: str, digest: str, size: int) -> Iterator[bytes]:
    """The bytes of a blob in pieces; ends in RegistryError where they are not what the digest names."""
    seen, count = hashlib.sha256(), 0
    for piece in registry.pieces(repository, digest):
        seen.update(piece)
        count += len(piece)
        if count > size:
            break
        yield piece
    if count != size or f"sha256:{seen.hexdigest()}" != digest:
        raise RegistryError(f"{repository}: the registry answers {digest} with other bytes")
