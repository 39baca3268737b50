"""Speaks the OCI distribution protocol: reads and writes manifests and blobs, and tags manifests.

Answers are checked before they are believed: a body must be what its digest names, and no longer than its kind may be.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.errors import RegistryError
from planner.model.names import SHA256
from planner.registry import timely
from planner.registry.connections import Broken
from planner.registry.docker_config import stored_login
from planner.registry.transport import ITS_LOG, MAX_MANIFEST, Answer, Request, Transport, base, refused

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    INDEXES[0],
    "application/vnd.oci.image.manifest.v1+json",
    INDEXES[1],
    "application/vnd.docker.distribution.manifest.v2+json",
)
UPLOADS = 3
CHUNK = 1 << 20
SLOWEST = 1 << 18
"""Bytes a second in which a blob that is held in memory has to come, besides the time of a short answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A manifest or index as a registry gave it: its bytes are what its digest names."""

    digest: str
    media_type: str
    body: bytes
    document: Mapping[str, Any]


class HttpRegistry:
    """Any registry, by the host in its repositories' names. See `planner.ports.Registry`. For several threads."""

    def __init__(self, transport: Transport | None = None) -> None:
        self.transport = transport or Transport()

    def digest_of(self, repository: str, reference: str) -> str | None:
        """See Registry."""
        return self._named(
            self.ask("HEAD", repository, f"manifests/{reference}", headers=_ACCEPT), repository, reference
        )

    def digests_of(self, host: str, wanted: Sequence[tuple[str, str]]) -> Iterator[str | None]:
        """`digest_of` for repositories of one host with their references, asked together where that can be.

        Raises RegistryError at the first that fails.
        """
        paths = [f"/v2/{repository.removeprefix(f'{host}/')}/manifests/{reference}" for repository, reference in wanted]
        answers = self.transport.heads(host, paths, _ACCEPT)
        for (repository, reference), answer in zip(wanted, answers, strict=False):
            yield self._named(answer, repository, reference)
        for repository, reference in wanted[len(answers) :]:
            yield self.digest_of(repository, reference)

    def expect(self, host: str, repositories: Iterable[str]) -> None:
        """Let questions about these repositories of a host share tokens, where it asks for any."""
        self.transport.proofs.expected.add(
            host, (f"repository:{one.removeprefix(f'{host}/')}:pull" for one in repositories)
        )

    def _named(self, answer: Answer, repository: str, reference: str) -> str | None:
        """The digest of a manifest that was asked for, None where there is none."""
        if answer.status == 404:
            return None
        expect(answer, repository, 200)
        digest = answer.headers.get("docker-content-digest", "")
        if not digest:  # What stands before a registry may drop it.
            found = self.fetch(repository, reference)
            return None if found is None else found.digest
        if not SHA256.fullmatch(digest):
            raise RegistryError(f"{repository}: the registry names no digest for {reference}")
        return digest

    def fetch(self, repository: str, reference: str, unless: str = "") -> Fetched | None:
        """A manifest or index, None where there is none. Raises RegistryError for anything else.

        Where it still has the digest `unless`, a registry may leave out the bytes, which are empty then.
        """
        known = {"If-None-Match": f'"{unless}"'} if unless else {}
        answer = self.ask("GET", repository, f"manifests/{reference}", headers={**_ACCEPT, **known})
        if answer.status == 404:
            return None
        if answer.status == 304 and unless:
            return Fetched(digest=unless, media_type="", body=b"", document={})
        expect(answer, repository, 200)
        digest = digest_of(answer.body)
        told = answer.headers.get("docker-content-digest", digest)
        if told != digest or (SHA256.fullmatch(reference) and reference != digest):
            raise RegistryError(f"{repository}: the registry answers {reference} with other bytes")
        document = read_json(answer.body)
        if document is None:
            raise RegistryError(f"{repository}: {reference} is no manifest")
        media_type = str(document.get("mediaType", ""))
        if media_type not in MANIFESTS:
            media_type = answer.headers.get("content-type", "") or MANIFESTS[1]
        return Fetched(digest=digest, media_type=media_type, body=answer.body, document=document)

    def manifest(self, repository: str, reference: str) -> tuple[str, Mapping[str, Any]]:
        """The digest and the document of a manifest or index. Raises RegistryError, also where there is none."""
        found = self.fetch(repository, reference)
        if found is None:
            raise RegistryError(f"{repository}: has no {reference}")
        return found.digest, found.document

    def blob(self, repository: str, digest: str, limit: int) -> bytes:
        """The bytes of a blob, checked against its digest. Raises RegistryError, also where they come too slowly."""
        if not SHA256.fullmatch(digest):
            raise RegistryError(f"{repository}: {digest[:80]} is no digest")
        data = bytearray()
        for piece in self.pieces(repository, digest, timely.WHOLE + limit / SLOWEST):
            data += piece
            if len(data) > limit:
                raise RegistryError(f"{repository}: the registry answers with more than {limit} bytes")
        if digest_of(data) != digest:
            raise RegistryError(f"{repository}: the registry answers {digest} with other bytes")
        return bytes(data)

    def pieces(self, repository: str, digest: str, seconds: float = math.inf) -> Iterator[bytes]:
        """The bytes of a blob in pieces, not yet checked against its digest, all of them within `seconds`.

        Raises RegistryError, also midway.
        """
        host, _, path = repository.partition("/")
        request = Request(method="GET", host=host, path=f"/v2/{path}/blobs/{digest}", scope=f"repository:{path}:pull")
        return self.transport.chunks(request, CHUNK, seconds)

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository holds a blob."""
        answer = self.ask("HEAD", repository, f"blobs/{digest}")
        if answer.status != 404:
            expect(answer, repository, 200)
        return answer.status == 200

    def tag(self, repository: str, digest: str, tag: str) -> None:
        """See Registry."""
        found = self.fetch(repository, digest)
        if found is None:
            raise RegistryError(f"{repository}: the registry answers with status 404 for {digest}")
        self.put(repository, tag, found.body, found.media_type)

    def put(self, repository: str, reference: str, body: bytes, media_type: str) -> Mapping[str, str]:
        """Write a manifest under a tag or its digest, and give the answer's headers. Raises RegistryError."""
        headers = {"Content-Type": media_type}
        answer = self.ask("PUT", repository, f"manifests/{reference}", body=body, headers=headers)
        expect(answer, repository, 201, 202)
        return answer.headers

    def delete(self, repository: str, reference: str) -> bool:
        """Delete a manifest by its digest, or a tag; False where it was gone. Raises RegistryError."""
        answer = self.ask("DELETE", repository, f"manifests/{reference}", actions="delete")
        if answer.status == 404:
            return False
        if answer.status in (400, 405):
            raise RegistryError(f"{repository}: the registry deletes nothing (status {answer.status}): allow deletes")
        expect(answer, repository, 200, 202)
        return True

    def put_blob(self, repository: str, data: bytes) -> str:
        """Store a blob, if it is not there, and give its digest. Raises RegistryError."""
        digest = digest_of(data)
        for _ in range(UPLOADS):
            if self.has_blob(repository, digest):
                return digest
            answer = self.end_upload(repository, self.begin_upload(repository), digest, body=data)
            # An upload whose answer was lost is unknown when it is tried again, and one that failed midway goes on at
            # another byte: the next turn sees whether it arrived, and else begins a new one.
            if answer.status not in (404, 416):
                expect(answer, repository, 201, 204)
                return digest
        raise RegistryError(f"{repository}: the registry does not keep what is uploaded to it\n  {ITS_LOG}")

    def begin_upload(self, repository: str, digest: str = "", source: str = "") -> str:
        """Where to put a blob; "" where it was mounted from another repository of the same registry."""
        scope = mount_scope(source, repository)
        query = f"?mount={digest}&from={source.partition('/')[2]}" if scope else ""
        answer = self.ask("POST", repository, f"blobs/uploads/{query}", actions="pull,push", body=b"", also=scope)
        if answer.status == 201 and query:
            return ""
        expect(answer, repository, 202)
        return answer.headers.get("location", "")

    def end_upload(
        self,
        repository: str,
        place: str,
        digest: str,
        body: bytes | None = None,
        stream: Iterable[bytes] | None = None,
        length: int = 0,
        also: str = "",
    ) -> Answer:
        """Put a blob where an upload was begun; `stream` is one of `length` bytes that cannot be sent again.

        Raises RegistryError for a place that is not safe; any status is an answer.
        """
        host, _, path = repository.partition("/")
        if not place.startswith(("/", "https://", f"{base(host)}/")):
            raise RegistryError(f"{repository}: the registry names no safe place for an upload")
        request = Request(
            method="PUT",
            host=host,
            path=f"{place}{'&' if '?' in place else '?'}digest={digest}",
            scope=f"repository:{path}:pull,push {also}".strip(),
            body=body,
            stream=stream,
            length=length,
            headers={"Content-Type": "application/octet-stream"},
        )
        return self.transport.ask(request)

    def answers(self, host: str, wait: float) -> bool:
        """Whether a registry is there and a login for it is stored. Raises RegistryError where none answers."""
        try:
            answer = self.transport.connections.send("GET", f"{base(host)}/v2/", headers={}, timeout=(wait, wait))
        except Broken as broken:
            raise RegistryError(str(broken)) from broken.__cause__
        answer.close()
        if answer.status not in (200, 401):
            raise RegistryError(f"{host}: answers /v2/ with status {answer.status}, as no registry does")
        return stored_login(host) is not None

    def ask(
        self,
        method: str,
        repository: str,
        place: str,
        *,
        actions: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_MANIFEST,
        also: str = "",
    ) -> Answer:
        """One request below a repository. Raises RegistryError where no answer comes."""
        host, _, path = repository.partition("/")
        scope = f"repository:{path}:{actions or ('pull' if method in ('GET', 'HEAD') else 'pull,push')}"
        request = Request(
            method=method,
            host=host,
            path=f"/v2/{path}/{place}",
            scope=f"{scope} {also}".strip(),
            body=body,
            headers=headers or {},
            limit=limit,
        )
        return self.transport.ask(request)


_ACCEPT = {"Accept": ", ".join(MANIFESTS)}


def mount_scope(source: str, target: str) -> str:
    """What a mount needs beside its target, "" where nothing can be mounted: the registries are two."""
    host, _, path = source.partition("/")
    return f"repository:{path}:pull" if source and host == target.partition("/")[0] else ""


def digest_of(data: bytes | bytearray) -> str:
    """The digest of these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_json(data: bytes) -> Mapping[str, Any] | None:
    """The object of a JSON text, None for what is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def expect(answer: Answer, repository: str, *statuses: int) -> None:
    """Raise RegistryError unless the status is one of these."""
    if answer.status in statuses:
        return
    raise refused(repository, answer.status)
