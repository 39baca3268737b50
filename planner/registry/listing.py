"""Reads a whole repository: every tag, and every manifest that tags lead to. All of it, or an error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from planner.errors import RegistryError
from planner.plan.retention import Kind, Manifest
from planner.registry.artefact import is_record, is_referrers_tag, read_time
from planner.registry.client import DIGEST, Fetched, HttpRegistry
from planner.registry.leases import LEASE
from planner.registry.quarantine import QUARANTINE, Quarantined, read
from planner.registry.whole import blobs, children

LOOKERS = 16
MAX_MANIFESTS = 200_000
_PASSING = re.compile(r"lease-.*")
"""Tags that may go between the listing and the look at what they name: those of leases that are given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One repository at one moment: its manifests, and its quarantines.

    What is in quarantine is among the manifests, with the tags that it had.
    """

    repository: str
    manifests: tuple[Manifest, ...]
    quarantined: tuple[Quarantined, ...]

    @property
    def held(self) -> frozenset[str]:
        """The digests that are in quarantine."""
        return frozenset(digest for one in self.quarantined for digest, _ in one.entries)


def listing(registry: HttpRegistry, repository: str) -> Listing:
    """Everything that the tags of a repository lead to. Raises RegistryError rather than give a part."""
    tags = registry.tags(repository)
    with ThreadPoolExecutor(LOOKERS) as pool:
        found = list(zip(tags, pool.map(lambda tag: registry.fetch(repository, tag), tags), strict=True))
        gone = [tag for tag, one in found if one is None and not _PASSING.fullmatch(tag)]
        if gone:
            raise RegistryError(f"{repository}:{gone[0]} is listed and not there: nothing is removed, look again")
        known = {one.digest: one for _, one in found if one is not None}
        _follow(registry, repository, known, pool)
    named: dict[str, list[str]] = {}
    for tag, one in found:
        if one is not None:
            named.setdefault(one.digest, []).append(tag)
    quarantined = tuple(
        read(repository, one, named[one.digest]) for one in known.values() if _is_quarantine(one.document)
    )
    before = {digest: tags for one in quarantined for digest, tags in one.entries}
    manifests = tuple(
        _manifest(repository, one, tuple(named.get(one.digest) or before.get(one.digest, ())))
        for one in known.values()
        if not _is_quarantine(one.document)
    )
    return Listing(repository=repository, manifests=manifests, quarantined=quarantined)


def _follow(registry: HttpRegistry, repository: str, known: dict[str, Fetched], pool: ThreadPoolExecutor) -> None:
    """Fetch what indexes name, and subjects that are there, until nothing new comes."""
    asked: set[str] = set(known)
    while True:
        parts = {child for one in known.values() for child in children(one.document)} - asked
        subjects = {_subject(one.document) for one in known.values()} - asked - parts - {""}
        if not parts and not subjects:
            return
        if len(asked) + len(parts) > MAX_MANIFESTS:
            raise RegistryError(f"{repository}: has more than {MAX_MANIFESTS} manifests")
        needed = {child for one in known.values() if _is_whole(one) for child in children(one.document)}
        wanted = sorted(parts | subjects)
        asked.update(wanted)
        fetched = pool.map(lambda digest: registry.fetch(repository, digest), wanted)
        for digest, one in zip(wanted, fetched, strict=True):
            if one is not None:
                known[digest] = one
            elif digest in needed:
                raise RegistryError(f"{repository}: an index names {digest}, which is not there: nothing is removed")


def _is_whole(one: Fetched) -> bool:
    """Whether all that an index names must be there: not so for quarantines that are half deleted, nor for lists of
    what is attached, of which others may delete something.
    """
    listed = one.document.get("manifests", [])
    return not _is_quarantine(one.document) and not all("artifactType" in entry for entry in listed)


def _subject(document: Mapping[str, Any]) -> str:
    subject = document.get("subject")
    digest = subject.get("digest") if isinstance(subject, dict) else None
    return digest if isinstance(digest, str) and DIGEST.fullmatch(digest) else ""


def _is_quarantine(document: Mapping[str, Any]) -> bool:
    return document.get("artifactType") == QUARANTINE


def _manifest(repository: str, one: Fetched, tags: tuple[str, ...]) -> Manifest:
    return Manifest(
        repository=repository,
        digest=one.digest,
        kind=_kind(one, tags),
        tags=tags,
        children=children(one.document),
        subject=_subject(one.document),
        blobs=dict(blobs(one.document)),
        size=len(one.body),
        at=read_time(one.document),
    )


def _kind(one: Fetched, tags: Sequence[str]) -> Kind:
    document = one.document
    if is_record(document):
        return Kind.RECORD
    if document.get("artifactType") == LEASE:
        return Kind.LEASE
    if "manifests" in document:
        return Kind.REFERRERS if any(map(is_referrers_tag, tags)) else Kind.INDEX
    return Kind.OTHER if _subject(document) or "artifactType" in document else Kind.IMAGE
