"""Decides what a registry keeps: manifests and roots in, for each manifest keep or drop with a reason. Asks nobody.

Nothing is dropped that a kept manifest leads to, and nothing that is tagged by a name which the planner did not give.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from planner.model.frozen import dataclass, field
from planner.plan.record_file import KEY

_ABOUT = re.compile(rf"(?:rec|res|lease)-(?:{KEY.pattern})")
_REFERRERS = re.compile(r"sha256-(?P<hex>[0-9a-f]{64})(?:\.\w+)?")
LATEST = {"latest": "latest", "rec-latest": "rec-latest"}
DAY = 86_400.0
SKEW = 300.0
"""Seconds by which the clocks of two machines may differ."""


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
    sizes (bytes). `at` is when it was recorded or renewed (seconds since 1970), 0 where nobody knows. What was put away
    is in quarantine and no tag names it: `tags` are those that it had.
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
    put_away: bool = False


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


NOBODY = "no ref, pin or lease leads to it"


def decide(manifests: Sequence[Manifest], roots: Roots) -> tuple[Decision, ...]:
    """Keep or drop, for the manifests of any number of repositories; in their order."""
    return _decided(manifests, lambda listed: _kept(listed, roots), NOBODY)


def decide_scope(manifests: Sequence[Manifest], roots: Roots, ended: str) -> tuple[Decision, ...]:
    """The same for what belongs to a pull request: only pins and running leases keep anything there.

    `ended` says why the rest goes. Where the grace time of `roots` is not 0, what is younger or tells no age stays too.
    """
    return _decided(manifests, lambda listed: _kept(listed, roots, _why_in_scope), ended)


def _decided(
    manifests: Sequence[Manifest], kept_of: Callable[[Sequence[Manifest]], Mapping[str, str]], dropped: str
) -> tuple[Decision, ...]:
    kept = {name: kept_of(listed) for name, listed in _by_repository(manifests).items()}
    found = ((one, kept[one.repository].get(one.digest)) for one in manifests)
    return tuple(
        Decision(manifest=one, keep=why is not None, why=dropped if why is None else why) for one, why in found
    )


def _by_repository(manifests: Sequence[Manifest]) -> Mapping[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        found.setdefault(manifest.repository, []).append(manifest)
    return found


Dates = Mapping[str, Sequence[float]]
"""When each image was recorded, as its records tell."""
Why = Callable[[Manifest, Roots, Mapping[str, str], Dates], str]
"""Why a manifest stays for its own sake, given the keys under a lease and the dates; "" for no."""


def _kept(manifests: Sequence[Manifest], roots: Roots, why_of: Why | None = None) -> dict[str, str]:
    """The digests of one repository to keep, each with its reason."""
    by_digest = {manifest.digest: manifest for manifest in manifests}
    leased = {
        tag.removeprefix("lease-"): "is being built under a lease"
        for one in manifests
        if one.kind is Kind.LEASE and _runs(one, roots)
        for tag in one.tags
    }
    dates = _dates(manifests)
    own = {one.digest: why for one in manifests if (why := (why_of or _why)(one, roots, leased, dates))}
    kept: dict[str, str] = {}
    for digest, why in own.items():
        _follow(digest, why, by_digest, kept)
    _attached(manifests, by_digest, kept)
    while leading := _leading(manifests, by_digest, kept):
        for digest in leading:
            _follow(digest, "leads to something that stays", by_digest, kept)
        _attached(manifests, by_digest, kept)
    return {**kept, **own}


def _runs(lease: Manifest, roots: Roots) -> bool:
    """Whether a lease holds: it was renewed lately, and not at a time that is yet to come."""
    return -SKEW <= roots.now - lease.at < roots.lease


def _dates(manifests: Iterable[Manifest]) -> Dates:
    found: dict[str, list[float]] = {}
    for one in manifests:
        if one.kind is Kind.RECORD:
            found.setdefault(one.subject, []).append(one.at)
    return found


def _why(one: Manifest, roots: Roots, leased: Mapping[str, str], dates: Dates) -> str:
    """Why a manifest stays for its own sake; "" where it does not."""
    if one.digest in roots.digests:
        return f"is pinned: {roots.digests[one.digest]}"
    if one.kind is Kind.LEASE:
        return "a running lease" if _runs(one, roots) else ""
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
    # What was put away was old enough: a run that was killed may have deleted its record before it.
    if one.tags and one.digest not in dates and not one.put_away:
        return "has no record that tells its age"
    at = max([one.at, *dates.get(one.digest, ())])
    # Whoever wrote a time that is yet to come may have done so just now: it is as young as can be.
    if at - roots.now > SKEW and roots.grace:
        return "was recorded at a time that is yet to come, which tells no age"
    if at and max(roots.now - at, 0.0) < roots.grace:
        return f"is younger than {roots.grace / DAY:g} days"
    return ""


def _why_in_scope(one: Manifest, roots: Roots, leased: Mapping[str, str], dates: Dates) -> str:
    """The same in the scope of a pull request, where tags and refs keep nothing."""
    if one.digest in roots.digests:
        return f"is pinned: {roots.digests[one.digest]}"
    if one.kind is Kind.LEASE:
        return "a running lease" if _runs(one, roots) else ""
    under = [tag for tag in one.tags if tag in leased]
    if under:
        return leased[under[0]]
    if not roots.grace or one.kind in (Kind.RECORD, Kind.REFERRERS):
        return ""
    told = [at for at in (one.at, *dates.get(one.digest, ())) if at]
    # Of a time that is more than a clock's mistake ahead nothing is believed: it would hold for ever.
    if any(-DAY <= roots.now - at < roots.grace for at in told):
        return f"is younger than {roots.grace / DAY:g} days"
    return "" if told or not one.tags or one.put_away else "tells no age"


def _is_ours(tag: str) -> bool:
    """Whether the planner gives such tags by itself."""
    return tag in LATEST or any(pattern.fullmatch(tag) for pattern in (KEY, _ABOUT, _REFERRERS))


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
    about = _attached_to(manifests)
    seen: set[str] = set()
    while waiting := kept.keys() - seen:
        seen |= waiting
        for subject in sorted(waiting):
            for digest in about.get(subject, ()):
                _follow(digest, "is attached to an image that stays", by_digest, kept)


def _leading(manifests: Iterable[Manifest], by_digest: Mapping[str, Manifest], kept: Collection[str]) -> Sequence[str]:
    """Indexes that go, and name something that stays and that nothing else leads to: no tag would reach it.

    What no tag reaches is taken by a registry's own collection of what is untagged.
    """
    there = [by_digest[digest] for digest in kept if digest in by_digest]
    led = {child for one in there for child in one.children}
    lost = {one.digest for one in there if not one.tags} - led
    return [one.digest for one in manifests if one.digest not in kept and not lost.isdisjoint(one.children)]


def _attached_to(manifests: Iterable[Manifest]) -> Mapping[str, Sequence[str]]:
    """The digests that are attached to each digest."""
    found: dict[str, list[str]] = {}
    for one in manifests:
        for subject in {one.subject, *map(_listed_for, one.tags)} - {""}:
            found.setdefault(subject, []).append(one.digest)
    return found


def _listed_for(tag: str) -> str:
    """The digest that a tag of OCI's tag scheme is about, "" for other tags."""
    found = _REFERRERS.fullmatch(tag)
    return f"sha256:{found['hex']}" if found else ""


def freed(decisions: Collection[Decision]) -> int:
    """Bytes of blobs and manifests that only dropped manifests name, over all repositories."""
    kept = {blob for one in decisions if one.keep for blob in weights(one.manifest)}
    dropped: dict[str, int] = {}
    for one in decisions:
        if not one.keep:
            dropped.update(weights(one.manifest))
    return sum(size for blob, size in dropped.items() if blob not in kept)


def weights(manifest: Manifest) -> Mapping[str, int]:
    """Everything that a manifest itself stores, with its size in bytes."""
    return {**manifest.blobs, manifest.digest: manifest.size}


def linked(manifests: Iterable[Manifest]) -> Iterable[tuple[str, str]]:
    """Every pair of digests of one repository of which one leads to the other, or is attached to it."""
    for one in manifests:
        for other in {*one.children, one.subject, *map(_listed_for, one.tags)} - {""}:
            yield one.digest, other
