"""Versions of images as `build --push` leaves them in a registry, pushed without an engine: cheap to have many of."""

from __future__ import annotations

import json
from collections.abc import Iterator

from planner.registry.artefact import ARTEFACT, CREATED, EMPTY, EMPTY_BLOB, MANIFEST, written_time
from planner.registry.client import INDEXES, HttpRegistry, digest_of
from planner.registry.leases import LEASE

OF_A_VERSION = 5
"""Manifests of one version: two platforms, their index, its record, and the list of what is attached to it."""


def key_of(number: int) -> str:
    return f"x3-{number:032x}"


def document(media_type: str, **fields: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, **fields}, sort_keys=True).encode()


def entry(body: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}


def version(
    key: str, blob: str, *, at: float = 1e9, newest: bool = False
) -> Iterator[tuple[bytes, str, tuple[str, ...]]]:
    """The manifests of one version with media types and tags, each after what it names. `blob` is the empty one."""
    config = {"mediaType": EMPTY, "digest": blob, "size": len(EMPTY_BLOB)}
    parts = []
    for platform in ("amd64", "arm64"):
        note = {"image": f"{key} {platform}"}
        parts.append(document(MANIFEST, config=config, layers=[config], annotations=note))
        yield parts[-1], MANIFEST, ()
    index = document(INDEXES[0], manifests=[entry(part, MANIFEST) for part in parts])
    yield index, INDEXES[0], (key,)
    notes = {CREATED: written_time(at), "key": key}
    subject = entry(index, INDEXES[0])
    record = document(
        MANIFEST, artifactType=ARTEFACT, config=config, layers=[config], subject=subject, annotations=notes
    )
    yield record, MANIFEST, (f"rec-{key}", f"res-{key}", *(("rec-latest",) if newest else ()))
    attached = {**entry(record, MANIFEST), "artifactType": ARTEFACT}
    yield document(INDEXES[0], manifests=[attached]), INDEXES[0], (digest_of(index).replace(":", "-"),)


def layer_cache(blob: str) -> bytes:
    """What BuildKit leaves as an image manifest of layer cache."""
    config = {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": blob, "size": len(EMPTY_BLOB)}
    return document(MANIFEST, config=config, layers=[config])


def stock(client: HttpRegistry, repository: str, key: str, *, at: float = 1e9) -> str:
    """Push one version; gives the digest of its index."""
    blob = client.put_blob(repository, EMPTY_BLOB)
    for body, media_type, tags in version(key, blob, at=at):
        for reference in tags or (digest_of(body),):
            client.put(repository, reference, body, media_type)
    return client.digest_of(repository, key) or ""


def stock_cache(client: HttpRegistry, repository: str, tag: str = "linux-amd64") -> str:
    """Push a layer cache; gives its digest."""
    body = layer_cache(client.put_blob(repository, EMPTY_BLOB))
    client.put(repository, tag, body, MANIFEST)
    return digest_of(body)


def stock_lease(client: HttpRegistry, repository: str, key: str, at: float) -> str:
    """Push a lease of a key that was renewed at a time; gives its digest."""
    blob = client.put_blob(repository, EMPTY_BLOB)
    config = {"mediaType": EMPTY, "digest": blob, "size": len(EMPTY_BLOB)}
    body = document(
        MANIFEST, artifactType=LEASE, config=config, layers=[config], annotations={CREATED: written_time(at)}
    )
    client.put(repository, f"lease-{key}", body, MANIFEST)
    return digest_of(body)
