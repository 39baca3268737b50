"""Decides what a registry keeps: manifests and roots in, for each manifest keep or drop with a reason. Asks nobody.

Nothing is dropped that a kept manifest leads to, and nothing that is tagged by a name which the planner did not give.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_KEY = re.compile(r"x3-[0-9a-f]{32}|s2-[0-9a-f]{64}")
_ABOUT = re.compile(r"(?:rec|res|lease)-(?:x3-[0-9a-f]{32}|s2-[0-9a-f]{64})")
_REFERRERS = re.compile(r"sha256-(?P<hex>[0-9a-f]{64})(?:\.\w+)?")
LATEST = {"latest": "latest", "rec-latest": "rec-latest"}
DAY = 86_400.0


class Kind(enum.StrEnum):
    """What a manifest is. The values stand in JSON."""

    IMAGE = "image"
    INDEX = "index"
    RECORD = "record"
    LEASE = "lease"
    REFERRERS = "referrers"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One manifest of one repository, with what it leads to.

    `children` are the manifests of an index, `subject` is what it is attached to, `blobs` are its own blobs with their
    sizes (bytes). `at` is when it was recorded or renewed (seconds since 1970), 0 where nobody knows.
    """

    repository: str
    digest: str
    kind: Kind
    tags: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    subject: str = ""
    blobs: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    at: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Roots:
    """What must stay. `keys` name where each key is wanted, `digests` where each digest is pinned.

    `now` is in seconds since 1970. What is younger than `grace` (seconds) stays, as does a lease that was renewed
    within `lease`.
    """

    keys: Mapping[str, str]
    digests: Mapping[str, str]
    now: float
    grace: float
    lease: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What happens to one manifest, and why."""

    manifest: Manifest
    keep: bool
    why: str


def decide(manifests: Sequence[Manifest], roots: Roots) -> tuple[Decision, ...]:
    """Keep or drop, for the manifests of any number of repositories; in their order."""
    found: list[Decision] = []
    by_repository: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        by_repository.setdefault(manifest.repository, []).append(manifest)
    for listed in by_repository.values():
        kept = _kept(listed, roots)
        for one in listed:
            why = kept.get(one.digest)
            dropped = "no ref, pin or lease leads to it"
            found.append(Decision(manifest=one, keep=why is not None, why=dropped if why is None else why))
    return tuple(found)


def _kept(manifests: Sequence[Manifest], roots: Roots) -> dict[str, str]:
    """The digests of one repository to keep, each with its reason."""
    by_digest = {manifest.digest: manifest for manifest in manifests}
    leased = {
        tag.removeprefix("lease-"): "is being built under a lease"
        for one in manifests
        if one.kind is Kind.LEASE and roots.now - one.at < roots.lease
        for tag in one.tags
    }
    dates = _dates(manifests)
    kept: dict[str, str] = {}
    for one in manifests:
        why = _why(one, roots, leased, dates)
        if why:
            _follow(one.digest, why, by_digest, kept)
    _attached(manifests, by_digest, kept)
    return kept


def _dates(manifests: Iterable[Manifest]) -> dict[str, float]:
    """When each image was recorded last, as its records tell."""
    found: dict[str, float] = {}
    for one in manifests:
        if one.kind is Kind.RECORD:
            found[one.subject] = max(found.get(one.subject, 0.0), one.at)
    return found


def _why(one: Manifest, roots: Roots, leased: Mapping[str, str], dates: Mapping[str, float]) -> str:
    """Why a manifest stays for its own sake; "" where it does not."""
    if one.digest in roots.digests:
        return f"is pinned: {roots.digests[one.digest]}"
    if one.kind is Kind.LEASE:
        return "a running lease" if roots.now - one.at < roots.lease else ""
    foreign = [tag for tag in one.tags if not _is_ours(tag)]
    if foreign:
        return f"has the tag {foreign[0]}"
    if one.kind is Kind.RECORD:
        wanted = [tag.removeprefix("rec-") for tag in one.tags if tag.removeprefix("rec-") in roots.keys]
        return f"is the record of what is wanted: {roots.keys[wanted[0]]}" if wanted else ""
    if one.kind is Kind.REFERRERS:
        return ""
    for tags, told in ((roots.keys, "is wanted: {}"), (leased, "{}"), (LATEST, "has the tag {}")):
        for tag in one.tags:
            if tag in tags:
                return told.format(tags[tag])
    if one.tags and one.digest not in dates:
        return "has no record that tells its age"
    if one.digest in dates and roots.now - dates[one.digest] < roots.grace:
        return f"is younger than {roots.grace / DAY:g} days"
    return ""


def _is_ours(tag: str) -> bool:
    """Whether the planner gives such tags by itself."""
    return tag in LATEST or any(pattern.fullmatch(tag) for pattern in (_KEY, _ABOUT, _REFERRERS))


def _follow(digest: str, why: str, by_digest: Mapping[str, Manifest], kept: dict[str, str]) -> None:
    """Keep a manifest and all that it leads to."""
    waiting = [(digest, why)]
    while waiting:
        current, reason = waiting.pop()
        if current in kept:
            continue
        kept[current] = reason
        one = by_digest.get(current)
        if one is not None:
            waiting += [(child, "is a part of an image that stays") for child in one.children]
            waiting += [(one.subject, "something that stays is attached to it")] if one.subject else []


def _attached(manifests: Sequence[Manifest], by_digest: Mapping[str, Manifest], kept: dict[str, str]) -> None:
    """What is attached to something that stays, stays; so does what is attached to that."""
    while True:
        before = len(kept)
        for one in manifests:
            subjects = {one.subject, *map(_listed_for, one.tags)} - {""}
            if one.digest not in kept and not subjects.isdisjoint(kept):
                _follow(one.digest, "is attached to an image that stays", by_digest, kept)
        if len(kept) == before:
            return


def _listed_for(tag: str) -> str:
    """The digest that a tag of OCI's tag scheme is about, "" for other tags."""
    found = _REFERRERS.fullmatch(tag)
    return f"sha256:{found['hex']}" if found else ""


def freed(decisions: Collection[Decision]) -> int:
    """Bytes of blobs and manifests that only dropped manifests name, over all repositories."""
    kept = {blob for one in decisions if one.keep for blob in (*one.manifest.blobs, one.manifest.digest)}
    dropped: dict[str, int] = {}
    for one in decisions:
        if not one.keep:
            dropped.update({**one.manifest.blobs, one.manifest.digest: one.manifest.size})
    return sum(size for blob, size in dropped.items() if blob not in kept)
