"""Reads whole repositories: every tag, and every manifest that tags lead to. All of it, or an error."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

from planner.errors import RegistryError
from planner.model.names import SHA256
from planner.plan.retention import Kind, Manifest
from planner.registry.artefact import is_record, is_referrers_tag, read_time
from planner.registry.catalog import tags_of
from planner.registry.client import Fetched, HttpRegistry
from planner.registry.leases import LEASE
from planner.registry.quarantine import QUARANTINE, Quarantined, read
from planner.registry.whole import blobs, children
from planner.system.threads import Threads

LOOKERS = 16
"""Requests at once, over all repositories."""
REPOSITORIES = 4
"""Repositories that are read at once: while one waits for its last answers, another one asks."""
MAX_MANIFESTS = 200_000
_PASSING = re.compile(r"lease-.*|gc-[0-9]+-[0-9a-f]{12}")
"""Tags that may name nothing: of leases that are given up after the listing, of quarantines that another run ends, and
of a quarantine whose writing failed (distribution goes on to list the tag). What such a one would have held either
still has its own tags, or is not listed at all and so not deleted.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One repository at one moment: its manifests, and its quarantines.

    What is in quarantine is among the manifests, with the tags that it had. What is not `whole` may lack parts, and its
    quarantines are manifests like all others; with `more` there is more of it than is read at once.
    """

    repository: str
    manifests: tuple[Manifest, ...]
    quarantined: tuple[Quarantined, ...]
    tagged: frozenset[str] = frozenset()
    """The digests that tags name at this moment."""
    whole: bool = True
    more: bool = False

    @property
    def held(self) -> frozenset[str]:
        """The digests that are in quarantine."""
        return frozenset(digest for one in self.quarantined for digest, _ in one.entries)


class News(Protocol):
    """Hears how far a listing is; from several threads."""

    def more(self, count: int) -> None:
        """There is so much more to read than was known."""

    def done(self) -> None:
        """One more was read."""


class Silence:
    """Nobody listens."""

    def more(self, count: int) -> None:
        """See News."""

    def done(self) -> None:
        """See News."""


def listings(registry: HttpRegistry, repositories: Collection[str], news: News | None = None) -> tuple[Listing, ...]:
    """The listings of these repositories, in order of name. Raises RegistryError rather than give a part."""
    return tuple(one for one in _outcomes(registry, repositories, news, whole=True) if isinstance(one, Listing))


def leftovers(
    registry: HttpRegistry, repositories: Collection[str], news: News | None = None
) -> tuple[tuple[Listing, ...], tuple[RegistryError, ...]]:
    """The listings of repositories that are to go, and what went wrong with those that could not be listed.

    Whoever writes such a one must not be able to keep it by breaking it: what an index names may be missing, parts that
    cannot be read are none, what looks like a quarantine is believed nothing, and of very much a part will do.
    """
    found = _outcomes(registry, repositories, news, whole=False)
    return (
        tuple(one for one in found if isinstance(one, Listing)),
        tuple(one for one in found if isinstance(one, RegistryError)),
    )


def _outcomes(
    registry: HttpRegistry, repositories: Collection[str], news: News | None, *, whole: bool
) -> list[Listing | RegistryError]:
    told = news or Silence()
    with Threads(REPOSITORIES) as readers, Threads(LOOKERS) as pool:
        futures = [
            readers.submit(_listing, _Reader(registry, name, pool, told, whole=whole))
            for name in sorted(set(repositories))
        ]
        return [_outcome(future, whole) for future in futures]


def _outcome(future: Future[Listing], whole: bool) -> Listing | RegistryError:
    try:
        return future.result()
    except RegistryError as error:
        if whole:
            raise
        return error


def listing(registry: HttpRegistry, repository: str) -> Listing:
    """Everything that the tags of a repository lead to. Raises RegistryError rather than give a part."""
    return listings(registry, [repository])[0]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A manifest as it is held until all is listed, its tags apart: a document of 4 MiB may fill a hundred.

    `is_whole`: all that it names must be there. `quarantine` is what looks like one.
    """

    manifest: Manifest
    is_whole: bool
    quarantine: Fetched | None


class _Reader:
    """Fetches manifests of one repository, many at once. See `leftovers` for what is not `whole`."""

    def __init__(self, registry: HttpRegistry, repository: str, pool: Executor, news: News, *, whole: bool) -> None:
        self.registry = registry
        self.repository = repository
        self.pool = pool
        self.news = news
        self.whole = whole

    def tags(self) -> tuple[str, ...]:
        """The tags to look at, all of them where the repository is read whole. Raises RegistryError."""
        return tags_of(self.registry, self.repository, some=0 if self.whole else MAX_MANIFESTS)

    def _one(self, reference: str) -> _Seen | None:
        found = self.registry.fetch(self.repository, reference)
        self.news.done()
        if found is None:
            return None
        bare = manifest_of(self.repository, found, (), whole=self.whole)
        is_quarantine = self.whole and found.document.get("artifactType") == QUARANTINE
        return _Seen(bare, self.whole and _is_whole(found), found if is_quarantine else None)

    def fetch(self, references: Sequence[str]) -> Iterator[tuple[str, _Seen | None]]:
        """Each reference with what it names, None for nothing. Raises RegistryError."""
        self.news.more(len(references))
        return zip(references, self.pool.map(self._one, references), strict=True)


def _listing(reader: _Reader) -> Listing:
    repository, whole = reader.repository, reader.whole
    tags = reader.tags()
    found = list(reader.fetch(tags))
    gone = [tag for tag, one in found if one is None and not _PASSING.fullmatch(tag)]
    if gone and whole:
        raise RegistryError(f"{repository}:{gone[0]} is listed and not there: nothing is removed, look again")
    known = {one.manifest.digest: one for _, one in found if one is not None}
    more = _follow(reader, known)
    named: dict[str, list[str]] = {}
    for tag, one in found:
        if one is not None:
            named.setdefault(one.manifest.digest, []).append(tag)
    quarantined = tuple(
        read(repository, one.quarantine, named[digest])
        for digest, one in known.items()
        if one.quarantine is not None and digest in named
    )
    apart = {one.digest for one in quarantined}
    before = {digest: tags for one in quarantined for digest, tags in one.entries}
    manifests = tuple(
        _tagged(one.manifest, tuple(named.get(digest, ())), before.get(digest))
        for digest, one in known.items()
        if digest not in apart
    )
    return Listing(
        repository=repository,
        manifests=manifests,
        quarantined=quarantined,
        tagged=frozenset(named),
        whole=whole,
        more=more or (not whole and len(tags) >= MAX_MANIFESTS),
    )


def _follow(reader: _Reader, known: dict[str, _Seen]) -> bool:
    """Fetch what indexes name, and subjects that are there, until nothing new comes; True where that is too much."""
    repository = reader.repository
    asked, fresh = set(known), [one.manifest for one in known.values()]
    needed = _needed(known.values())
    while fresh:
        parts = {child for one in fresh for child in one.children} - asked
        subjects = {one.subject for one in fresh} - asked - parts - {""}
        wanted = sorted(parts | subjects)
        room = MAX_MANIFESTS - len(asked)
        if len(wanted) > room:
            if reader.whole:
                raise RegistryError(f"{repository}: has more than {MAX_MANIFESTS} manifests")
            return True
        asked.update(wanted)
        fresh = []
        for digest, one in reader.fetch(wanted):
            if one is not None:
                known[digest] = one
                fresh.append(one.manifest)
                needed |= _needed([one])
            elif digest in needed:
                raise RegistryError(f"{repository}: an index names {digest}, which is not there: nothing is removed")
    return False


def _needed(seen: Iterable[_Seen]) -> set[str]:
    """The manifests that must be there."""
    return {child for one in seen if one.is_whole for child in one.manifest.children}


def _children(repository: str, one: Fetched, whole: bool) -> tuple[str, ...]:
    """The manifests that an index names; unless `whole`, those that can be read of them. Raises RegistryError."""
    try:
        return children(one.document)
    except RegistryError as error:
        if whole:
            raise RegistryError(f"{repository}@{one.digest}: {error}") from error
    listed = one.document["manifests"]
    named = [entry.get("digest") for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return tuple(digest for digest in named if isinstance(digest, str) and SHA256.fullmatch(digest))


def _blobs(repository: str, one: Fetched, whole: bool) -> Mapping[str, int]:
    """The blobs of a manifest with their sizes (bytes); unless `whole`, none where they cannot be read."""
    try:
        return dict(blobs(one.document))
    except RegistryError as error:
        if whole:
            raise RegistryError(f"{repository}@{one.digest}: {error}") from error
        return {}


def _is_whole(one: Fetched) -> bool:
    """Whether all that an index names must be there: not so for quarantines that are half deleted, nor for lists of
    what is attached, of which others may delete something.
    """
    listed = one.document.get("manifests", [])
    is_quarantine = one.document.get("artifactType") == QUARANTINE
    return not is_quarantine and not all("artifactType" in entry for entry in listed)


def _subject(document: Mapping[str, Any]) -> str:
    subject = document.get("subject")
    digest = subject.get("digest") if isinstance(subject, dict) else None
    return digest if isinstance(digest, str) and SHA256.fullmatch(digest) else ""


def manifest_of(repository: str, one: Fetched, tags: tuple[str, ...], *, whole: bool = True) -> Manifest:
    """What retention looks at of a manifest. Unless `whole`, unreadable parts are none. Raises RegistryError."""
    bare = Manifest(
        repository=repository,
        digest=one.digest,
        kind=_kind(one),
        children=_children(repository, one, whole),
        subject=_subject(one.document),
        blobs=_blobs(repository, one, whole),
        size=len(one.body),
        at=read_time(one.document),
    )
    return _tagged(bare, tags)


def _tagged(bare: Manifest, tags: tuple[str, ...], before: tuple[str, ...] | None = None) -> Manifest:
    """A manifest with its tags. `before` are those of one that is in quarantine, of which it has none by now."""
    put_away = before is not None and not tags
    tags = tags or before or ()
    lists = bare.kind is Kind.INDEX and any(map(is_referrers_tag, tags))
    return replace(bare, kind=Kind.REFERRERS if lists else bare.kind, tags=tags, put_away=put_away)


def _kind(one: Fetched) -> Kind:
    document = one.document
    if is_record(document):
        return Kind.RECORD
    if document.get("artifactType") == LEASE:
        return Kind.LEASE
    if "manifests" in document:
        return Kind.INDEX
    return Kind.OTHER if _subject(document) or "artifactType" in document else Kind.IMAGE
