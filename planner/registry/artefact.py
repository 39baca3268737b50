"""Turns a record into an OCI artefact that is attached to its image, and an artefact that was found into a record.

Pure: bytes in, bytes out. What a registry gives is believed only as far as it fits what was asked for.
"""

from __future__ import annotations

import datetime
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from planner.digest.written import Unreadable
from planner.model.build import LAST_SECOND, Record
from planner.model.names import SHA256
from planner.plan import record_file
from planner.plan.record_file import KEY
from planner.plan.statement import Seal, Statement
from planner.registry.client import Fetched, digest_of

ARTEFACT = "application/vnd.image-family-planner.record.v1+json"
"""The `artifactType` of records."""
LAYER = "application/vnd.image-family-planner.record.v1+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
EMPTY_BLOB = b"{}"
PREFIX = "vnd.image-family-planner."
"""What the names of our annotations begin with."""
MAX_RECORD = MAX_PACKED = 64 << 20
"""Bytes of a record, unpacked and as it is sent: 100,000 selected files make 11 MiB for each platform, packed 5."""
_REFERRER = re.compile(r"sha256-[0-9a-f]{64}")
MAX_LISTED = 1_000
"""Manifests that are listed beside an image, the newest: with signatures each takes 2 KiB of the 4 MiB that registries
take. The rest is found by its tags all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What the manifest of a record's artefact tells without its layer: enough to reuse an image."""

    image: str
    platforms: tuple[str, ...]
    key: str
    resolved_key: str
    digest: str
    layer: str
    size: int
    created: str = ""
    signature: str = ""

    @property
    def built_at(self) -> float:
        """When it was built (seconds since 1970); 0.0 where it does not say."""
        at = _seconds(self.created)
        return at if 0 <= at <= LAST_SECOND else 0.0

    @property
    def statement(self) -> Statement:
        """What a signature covers of it."""
        return Statement(
            image=self.image,
            platforms=self.platforms,
            key=self.key,
            resolved_key=self.resolved_key,
            digest=self.digest,
            record=self.layer,
            created=self.created,
        )


SIGNATURE = f"{PREFIX}signature"
"""The annotation with the signature of what a record says: a Sigstore bundle."""
CREATED = "org.opencontainers.image.created"
"""The annotation that tells when something was recorded (RFC 3339)."""


def written_time(seconds: float) -> str:
    """A time (seconds since 1970) as annotations have it."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(document: Mapping[str, Any]) -> float:
    """When a manifest says it was recorded (seconds since 1970); 0.0 where it does not."""
    notes = document.get("annotations")
    return _seconds(str(notes.get(CREATED)) if isinstance(notes, dict) else "")


def _seconds(created: str) -> float:
    try:
        return datetime.datetime.fromisoformat(created).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def record_tag(key: str) -> str:
    """The tag that names the record of a key: at most 72 letters."""
    return f"rec-{key}"


def recorded_key(tag: str) -> str:
    """The key whose record a tag names, "" for another tag."""
    return tag.removeprefix("rec-") if tag.startswith("rec-") and tag != LATEST else ""


def resolved_tag(resolved_key: str) -> str:
    """The tag that names the newest record of a resolved key."""
    return f"res-{resolved_key}"


LATEST = "rec-latest"
"""The tag of an image's newest record, to explain changes with."""


def referrers_tag(digest: str) -> str:
    """Where registries without the referrers API list what is attached to a digest (OCI distribution-spec 1.1)."""
    return digest.replace(":", "-")


def is_referrers_tag(tag: str) -> bool:
    """Whether a tag lists what is attached to a digest."""
    return _REFERRER.fullmatch(tag) is not None


def pack(record: Record) -> bytes:
    """The layer of a record: gzip without a time, so that equal records make equal bytes.

    A record that nobody would read, for its length, goes without what explains changes: it still names its image.
    """
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    plain = record_file.write(record)
    if len(plain) > MAX_RECORD:
        plain = record_file.write(replace(record, manifests=""))
    return packer.compress(plain) + packer.flush()


def unpack(data: bytes, repository: str) -> Record:
    """The record of a layer. Raises Unreadable."""
    unpacker = zlib.decompressobj(31)
    try:
        plain = unpacker.decompress(data, MAX_RECORD)
    except zlib.error as error:
        raise Unreadable("is no gzip") from error
    if not unpacker.eof:
        raise Unreadable("is cut off, or too long")
    return record_file.read(plain, repository)


def manifest(record: Record, layer: bytes, image: Fetched, seal: Seal | None = None) -> bytes:
    """The manifest of a record's artefact, attached to its image; signed by whoever `seal` signs for."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTEFACT,
        "config": {"mediaType": EMPTY, "digest": digest_of(EMPTY_BLOB), "size": len(EMPTY_BLOB)},
        "layers": [{"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
        "subject": {"mediaType": image.media_type, "digest": image.digest, "size": len(image.body)},
        "annotations": {
            f"{PREFIX}image": record.image,
            f"{PREFIX}platforms": ",".join(record.platforms),
            f"{PREFIX}key": record.key,
            f"{PREFIX}resolved-key": record.resolved_key,
            CREATED: written_time(record.built_at),
        },
    }
    if seal is not None and (signature := seal.signature(summary(document).statement)):
        document["annotations"][SIGNATURE] = signature
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def summary(document: Mapping[str, Any]) -> Summary:
    """What a record's manifest tells. Raises Unreadable for what is none."""
    try:
        if document["artifactType"] != ARTEFACT:
            raise Unreadable("is no record of ours")
        notes, (layer,) = document["annotations"], document["layers"]
        found = Summary(
            image=str(notes[f"{PREFIX}image"]),
            platforms=tuple(str(notes[f"{PREFIX}platforms"]).split(",")),
            key=str(notes[f"{PREFIX}key"]),
            resolved_key=str(notes[f"{PREFIX}resolved-key"]),
            digest=str(document["subject"]["digest"]),
            layer=str(layer["digest"]),
            size=int(layer["size"]),
            created=str(notes.get(CREATED, "")),
            signature=str(notes.get(SIGNATURE, "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unreadable(f"is no record: {error!r}"[:200]) from error
    if not (KEY.fullmatch(found.key) and KEY.fullmatch(found.resolved_key)):
        raise Unreadable("names no keys")
    if not (SHA256.fullmatch(found.digest) and SHA256.fullmatch(found.layer)) or not 0 < found.size <= MAX_PACKED:
        raise Unreadable("names no image or no layer of a size that may be")
    return found


def is_record(document: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of a record, readable or not."""
    return document.get("artifactType") == ARTEFACT


def index_of_referrers(known: Mapping[str, Any] | None, body: bytes) -> bytes:
    """The index that lists what is attached to an image, with one manifest more."""
    listed = (known or {}).get("manifests")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    document = json.loads(body)
    entry = {
        "mediaType": MANIFEST,
        "digest": digest_of(body),
        "size": len(body),
        "artifactType": document["artifactType"],
        "annotations": document["annotations"],
    }
    others = [one for one in entries if one.get("digest") != entry["digest"]]
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [*others[1 - MAX_LISTED :], entry],
    }
    return json.dumps(index, separators=(",", ":"), sort_keys=True).encode()
