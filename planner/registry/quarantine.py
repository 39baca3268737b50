"""Takes manifests out of use without losing them, gives them back, and deletes them when their time is over.

A quarantine is an index that names them, with the tags they had: what it names the registry itself keeps, and one
request finds it. First the index is written and read back, then tags go; first all that it names is deleted, then it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from planner.errors import RegistryError
from planner.plan.retention import Manifest
from planner.registry.artefact import CREATED, read_time, written_time
from planner.registry.client import INDEXES, Fetched, HttpRegistry, digest_of

QUARANTINE = "application/vnd.image-family-planner.quarantine.v1+json"
"""The `artifactType` of quarantines."""
TAGS = "vnd.image-family-planner.tags"
MAX_ENTRIES = 5_000
"""Manifests of one quarantine: its index stays far below the 4 MiB that registries take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantined:
    """One quarantine: since when (seconds since 1970), and each digest with the tags that it had."""

    repository: str
    digest: str
    tag: str
    at: float
    entries: tuple[tuple[str, tuple[str, ...]], ...]


def read(repository: str, found: Fetched, tags: Sequence[str]) -> Quarantined:
    """A quarantine as it was written. Raises RegistryError for one that somebody else changed."""
    try:
        entries = tuple(
            (str(entry["digest"]), tuple(tag for tag in str(entry["annotations"][TAGS]).split(",") if tag))
            for entry in found.document["manifests"]
        )
    except (KeyError, TypeError) as error:
        raise RegistryError(f"{repository}:{tags[0]} is no quarantine that can be read") from error
    at = read_time(found.document)
    return Quarantined(repository=repository, digest=found.digest, tag=tags[0], at=at, entries=entries)


def put_away(registry: HttpRegistry, manifests: Sequence[Manifest], at: float) -> None:
    """Put manifests of one repository into quarantine: written first, then their tags go. Raises RegistryError.

    A tag that names something else by now is left alone.
    """
    for start in range(0, len(manifests), MAX_ENTRIES):
        _put_away(registry, manifests[start : start + MAX_ENTRIES], at)


def _put_away(registry: HttpRegistry, manifests: Sequence[Manifest], at: float) -> None:
    repository = manifests[0].repository
    entries: list[dict[str, object]] = []
    for one in manifests:
        found = registry.fetch(repository, one.digest)
        if found is None:
            continue
        notes = {TAGS: ",".join(one.tags)}
        entry = {"mediaType": found.media_type, "digest": one.digest, "size": len(found.body), "annotations": notes}
        entries.append(entry)
    document = {
        "schemaVersion": 2,
        "mediaType": INDEXES[0],
        "artifactType": QUARANTINE,
        "manifests": entries,
        "annotations": {CREATED: written_time(at)},
    }
    body = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    digest = digest_of(body)
    tag = f"gc-{int(at)}-{digest.removeprefix('sha256:')[:12]}"
    try:
        registry.put(repository, tag, body, INDEXES[0])
    except RegistryError:
        # Distribution lists a tag from then on that it could not write; everything still has its own tags.
        with contextlib.suppress(RegistryError):
            registry.delete(repository, tag)
        raise
    if registry.digest_of(repository, tag) != digest:
        raise RegistryError(f"{repository}:{tag} does not name the quarantine that was just written")
    untag(registry, manifests)


def untag(registry: HttpRegistry, manifests: Sequence[Manifest]) -> None:
    """Take away the tags of manifests that are in quarantine; one that names something else by now is left alone."""
    for one in manifests:
        for own in one.tags:
            if registry.digest_of(one.repository, own) == one.digest:
                registry.delete(one.repository, own)


def give_back(registry: HttpRegistry, one: Quarantined, only: Collection[str] | None = None) -> int:
    """Tag again what is in quarantine, where a tag names nothing by now; gives how many tags came back.

    Without `only` all of it, and the quarantine ends; else these digests.
    """
    count = 0
    for digest, tags in one.entries:
        for tag in tags if only is None or digest in only else ():
            if registry.digest_of(one.repository, tag) is None:
                registry.tag(one.repository, digest, tag)
                count += 1
    if only is None:
        registry.delete(one.repository, one.digest)
    return count


def delete(registry: HttpRegistry, one: Quarantined, goes: Collection[str]) -> int:
    """Delete of what is in quarantine what `goes` names, and end it; gives how many were deleted.

    What leads to something goes before it, so that nothing that is left is ever half there.
    """
    count = 0
    for digest in _in_order(registry, one):
        if digest in goes:
            count += registry.delete(one.repository, digest)
    registry.delete(one.repository, one.digest)
    return count


def _in_order(registry: HttpRegistry, one: Quarantined) -> list[str]:
    """Lists of what is attached, then what is attached (records), then indexes, then the rest."""
    found = {digest: registry.fetch(one.repository, digest) for digest, _ in one.entries}
    return sorted(found, key=lambda digest: _rank(found[digest]))


def _rank(found: Fetched | None) -> int:
    if found is None:
        return 3
    listed = found.document.get("manifests")
    if isinstance(listed, list):
        return 0 if all(isinstance(entry, dict) and "artifactType" in entry for entry in listed) else 2
    return 1 if "subject" in found.document else 3
