"""Records in a registry: each one an artefact beside its image, found by key in one request.

A record is written only after its image was read back, and counts only as long as its image is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.digest.written import Unreadable
from planner.errors import RegistryError
from planner.model.build import Record, Store, Stored
from planner.model.image import ImageName
from planner.plan.statement import Seal
from planner.registry import artefact
from planner.registry.ahead import Ahead
from planner.registry.artefact import LATEST, Summary, record_tag, resolved_tag
from planner.registry.belief import Belief
from planner.registry.client import HttpRegistry, digest_of, read_json
from planner.registry.layers import Layers
from planner.registry.snapshot import Snapshot
from planner.registry.together import digests
from planner.registry.whole import whole
from planner.system.threads import Threads

LOOKERS = 16
"""Requests at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What was found of one image: the record of its key, and of what was published last where there is none."""

    key: str
    record: Record | None
    latest: Record | None


class PublishedRecords:
    """The records below one prefix (HOST/PATH) of a registry; see `planner.ports.Records`. For several threads.

    `registry` is None offline: then the snapshot answers alone. `warnings` tell what was found and could not be used;
    it counts as absent. `seal` says whose signatures are believed, None for no matter whose; it is asked about every
    record before anything of it is used, whether it comes from the registry or from the snapshot. `ahead` may have
    begun to ask already which keys are there; what it learned is believed. Raises RegistryError where the registry does
    not answer.
    """

    def __init__(
        self,
        registry: HttpRegistry | None,
        prefix: str,
        snapshot: Snapshot,
        seal: Seal | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self.registry = registry
        self._ahead = ahead
        self.prefix = prefix
        self.snapshot = snapshot
        self._layers = Layers(registry, snapshot)
        self.belief = Belief(seal)
        self.warnings: list[str] = []
        self._looks: dict[ImageName, _Look] = {}

    def repository(self, image: ImageName) -> str:
        """Where an image and its records are."""
        return f"{self.prefix}/{image}"

    def look(self, keys: Mapping[ImageName, str]) -> None:
        """Find out about all these images at once, by name and key. Raises RegistryError."""
        others = {name: key for name, key in keys.items() if not self._known_ahead(name, key)}
        if self.registry is None:
            self._looks.update({name: self._look(name, key) for name, key in others.items()})
            return
        now = digests(self.registry, [(self.repository(name), key) for name, key in others.items()])
        named = {name: now[self.repository(name), key] for name, key in others.items()}
        changed = [name for name, key in others.items() if not self._known(name, key, named[name])]
        if not changed:
            return
        with Threads(LOOKERS) as pool:
            looks = pool.map(lambda name: self._look(name, keys[name], named[name]), changed)
            self._looks.update(zip(changed, looks, strict=True))

    def _known_ahead(self, name: ImageName, key: str) -> bool:
        """Whether what was asked ahead says all: the key still names the image of the record that is known here."""
        return self._ahead is not None and self._known(name, key, self._ahead.named(self.repository(name), key))

    def _known(self, name: ImageName, key: str, digest: str | None) -> bool:
        """Whether the digest that a key names says all: it is the image of the record that is known here."""
        kept = self._summarized(name, record_tag(key), key=key, quiet=True) if digest is not None else None
        if kept is None or kept.stored.digest != digest:
            return False
        self._looks[name] = _Look(key=key, record=kept, latest=None)
        return True

    def _look(self, name: ImageName, key: str, digest: str | None = None) -> _Look:
        record = self._by_key(name, key, digest)
        return _Look(key=key, record=record, latest=None if record else self._latest(name))

    def _by_key(self, name: ImageName, key: str, digest: str | None) -> Record | None:
        """The record of a key, which names this digest, with its image there.

        No request where the snapshot has the record.
        """
        repository, tag = self.repository(name), record_tag(key)
        if self.registry is None:
            return self._summarized(name, tag, key=key)
        if digest is None:
            self.snapshot.forget(repository, tag)
            return None
        kept = self._summarized(name, tag, key=key, quiet=True)
        if kept is not None and kept.stored.digest == digest:
            return kept
        self._renew(repository, tag)
        found = self._summarized(name, tag, key=key)
        if found is None or found.stored.digest == digest:
            return found
        # The tag of the key moved since the record was written: the record counts while its image is there.
        stored = found.stored.digest
        return found if self.registry.digest_of(repository, stored) == stored else None

    def _now(self, name: ImageName, key: str) -> Record | None:
        """The record of a key, with its image there at this moment. Raises RegistryError."""
        there = None if self.registry is None else self.registry.digest_of(self.repository(name), key)
        return self._by_key(name, key, there)

    def _renew(self, repository: str, tag: str) -> None:
        """Ask the registry what a tag names, and keep it."""
        assert self.registry is not None  # noqa: S101 -- offline never comes here
        kept = self.snapshot.manifest(repository, tag)
        found = self.registry.fetch(repository, tag, unless=digest_of(kept) if kept is not None else "")
        if found is None:
            self.snapshot.forget(repository, tag)
        elif found.body:
            self.snapshot.keep(repository, tag, found.body)

    def _summarized(
        self, name: ImageName, tag: str, *, key: str = "", resolved_key: str = "", quiet: bool = False
    ) -> Record | None:
        """The record behind a tag as far as its manifest tells; None where it is not there or tells something else."""
        repository = self.repository(name)
        try:
            told = self._summary(name, tag)
        except Unreadable as error:
            if not quiet:
                self.warnings.append(f"{repository}:{tag} {error}; {name} is built anew")
            return None
        if told is None or told.image != name or key not in ("", told.key):
            return None
        if resolved_key not in ("", told.resolved_key):
            return None
        return Record(
            image=name,
            platforms=told.platforms,
            key=told.key,
            resolved_key=told.resolved_key,
            stored=Stored(store=Store.REGISTRY, digest=told.digest, repository=repository),
            built_at=told.built_at,
            seconds=0.0,
            manifests="",
        )

    def _summary(self, name: ImageName, tag: str) -> Summary | None:
        """What the manifest behind a tag says. Raises Unreadable, also for what nobody signed that is believed."""
        body = self.snapshot.manifest(self.repository(name), tag)
        if body is None:
            return None
        document = read_json(body)
        if document is None:
            raise Unreadable("is no manifest")
        found = artefact.summary(document)
        if doubt := self.belief.doubt(name, found, body):
            raise Unreadable(doubt)
        return found

    def refused(self, image: ImageName) -> str:
        """See Records."""
        return self.belief.refused.get(image, "")

    def _latest(self, name: ImageName) -> Record | None:
        """What was published last of an image, with the manifests behind its key."""
        if self.registry is not None:
            self._renew(self.repository(name), LATEST)
        found = self._full(name, LATEST)
        return self._layers.kept(found) if found is not None else None

    def _full(self, name: ImageName, tag: str) -> Record | None:
        """The whole record behind a tag."""
        repository = self.repository(name)
        try:
            told = self._summary(name, tag)
            if told is None or told.image != name:
                return None
            record = self._layers.record(repository, told)
        except Unreadable as error:
            self.warnings.append(f"{repository}:{tag} {error}")
            return None
        if record is None:
            return None
        same = (record.key, record.resolved_key, record.image) == (told.key, told.resolved_key, name)
        if same and record.stored.digest == told.digest:
            return record
        self.warnings.append(f"{repository}:{tag} has a layer that says something else than its manifest")
        return None

    def saw(self, image: Stored) -> bool:
        """Whether an image was there when all were looked at."""
        return any(look.record is not None and look.record.stored == image for look in self._looks.values())

    def find(self, image: ImageName, platforms: tuple[str, ...], key: str) -> Sequence[Record]:
        """See Records."""
        look = self._looks.get(image)
        record = look.record if look is not None and look.key == key else self._now(image, key)
        return [record] if record is not None and record.platforms == platforms else []

    def find_resolved(self, image: ImageName, platforms: tuple[str, ...], resolved_key: str) -> Sequence[Record]:
        """See Records. A registry that fails has no answer here, which is told in a warning: the image is built."""
        tag = resolved_tag(resolved_key)
        try:
            if self.registry is not None:
                self._renew(self.repository(image), tag)
            told = self._summarized(image, tag, resolved_key=resolved_key)
            record = self._full(image, tag) if told is not None else None
            if record is None or record.platforms != platforms or not self._is_there(record.stored):
                return []
        except RegistryError as error:
            self.warnings.append(f"{error}; {image} is built, though it may have been built before")
            return []
        return [record]

    def published_now(self, image: ImageName, key: str) -> Record | None:
        """The record of a key as the registry has it at this moment, whole where its layer can be read.

        Raises RegistryError.
        """
        found = self._now(image, key)
        return None if found is None else self.whole_record(found) or found

    def whole_record(self, record: Record) -> Record | None:
        """A record that was found, with the steps and manifests of its layer; None, and a warning, where that cannot be
        read: written anew, it would say less.
        """
        return self._full(record.image, record_tag(record.key))

    def _is_there(self, image: Stored) -> bool:
        return self.registry is None or self.registry.digest_of(image.repository, image.digest) == image.digest

    def latest(self, image: ImageName) -> Record | None:
        """See Records."""
        look = self._looks.get(image)
        if look is None or (look.latest is None and look.record is not None):
            return self._latest(image)
        return look.latest

    def add(self, record: Record) -> None:
        """See Records: read the image back, write the record, read it back, and only then let tags name it.

        What nobody would believe is not written, which a warning says.
        """
        assert self.registry is not None  # noqa: S101 -- only what was pushed is recorded
        repository = record.stored.repository
        image = whole(self.registry, repository, record.stored.digest)
        layer = artefact.pack(record)
        body = artefact.manifest(record, layer, image, self.belief.seal)
        if doubt := self.belief.own_doubt(body):
            self.warnings.append(f"{repository}: nothing is recorded for {record.image}: what this run writes {doubt}")
            return
        self.registry.put_blob(repository, artefact.EMPTY_BLOB)
        self.registry.put_blob(repository, layer)
        digest = digest_of(body)
        told = self.registry.put(repository, digest, body, artefact.MANIFEST)
        whole(self.registry, repository, digest)
        if "oci-subject" not in told:
            self._attach(repository, image.digest, body)
        for tag in (resolved_tag(record.resolved_key), LATEST, record_tag(record.key)):
            self.registry.put(repository, tag, body, artefact.MANIFEST)
            if self.registry.digest_of(repository, tag) != digest and not self._moved(tag, record):
                raise RegistryError(f"{repository}:{tag} does not name the record that was just written")
        self._looks[record.image] = _Look(key=record.key, record=record, latest=record)

    def _moved(self, tag: str, record: Record) -> bool:
        """Whether another run moved a tag meanwhile, to a record that may have it as well."""
        self._renew(self.repository(record.image), tag)
        key = record.key if tag == record_tag(record.key) else ""
        resolved = record.resolved_key if tag == resolved_tag(record.resolved_key) else ""
        return self._summarized(record.image, tag, key=key, resolved_key=resolved, quiet=True) is not None

    def _attach(self, repository: str, digest: str, body: bytes) -> None:
        """List a record beside its image where the registry does not do so by itself.

        Two runs that do this at once may lose one entry: the tags still name the record.
        """
        assert self.registry is not None  # noqa: S101 -- only what was pushed is recorded
        tag = artefact.referrers_tag(digest)
        known = self.registry.fetch(repository, tag)
        index = artefact.index_of_referrers(known.document if known else None, body)
        self.registry.put(repository, tag, index, "application/vnd.oci.image.index.v1+json")

    def forget(self, record: Record) -> None:
        """See Records: a registry's records are removed by clean-up only."""
