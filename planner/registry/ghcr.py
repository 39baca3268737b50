"""Removes manifests from GitHub's container registry, which deletes through GitHub's REST API alone, by version.

docs.github.com/rest/packages/packages. A version is one manifest, known by its digest, with all tags of it; a tag alone
cannot be taken away. What is deleted can be restored by hand for 30 days: that is the quarantine there.
"""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.errors import RegistryError
from planner.explain.text import printable
from planner.model.names import SHA256
from planner.plan.retention import Kind, Manifest
from planner.registry.client import HttpRegistry, read_json
from planner.registry.forge import pages, send
from planner.registry.listing import Listing, manifest_of
from planner.registry.removal import in_order
from planner.registry.transport import Transport

VERSIONS = "/versions"
MAX_SAID = 300
"""Letters of what GitHub says that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version of a package: its number at GitHub, its digest, its tags, and when it came (seconds since 1970)."""

    number: int
    digest: str
    tags: tuple[str, ...]
    at: float


class Packages:
    """The container packages of one owner (a user or an organisation). See Remover."""

    def __init__(self, transport: Transport, api: str, headers: Mapping[str, str]) -> None:
        self.transport = transport
        self.api = api
        self.headers = headers

    def widened(self, registry: HttpRegistry, each: Listing) -> Listing:
        """See Remover: versions without a tag, which no tag leads to, are there too, with their age.

        Most of them are layer caches and indexes of attachments whose tag moved on.
        """
        if not each.manifests:
            return each
        _, versions = self.versions(each.repository)
        known = {one.digest for one in each.manifests}
        more = []
        for digest in sorted(versions.keys() - known):
            version = versions[digest]
            found = registry.fetch(each.repository, digest)
            if version.tags:
                raise RegistryError(f"{each.repository}:{version.tags[0]} is at GitHub and was not listed: look again")
            if found is not None:
                more.append(replace(manifest_of(each.repository, found, (), whole=each.whole), at=version.at))
            elif not each.whole:  # GitHub keeps the package for it.
                more.append(Manifest(repository=each.repository, digest=digest, kind=Kind.OTHER, at=version.at))
        return replace(each, manifests=(*each.manifests, *more))

    def remove(self, manifests: Sequence[Manifest]) -> int:
        """See Remover. What GitHub lists with other tags than the registry does is not touched: RegistryError.

        Where all versions of a package go, the package does: GitHub deletes the last one with a tag in no other way.
        """
        if not manifests:
            return 0
        repository = manifests[0].repository
        place, versions = self.versions(repository)
        for one in manifests:
            version = versions.get(one.digest)
            if version is not None and set(version.tags) != set(one.tags):
                what = f"{one.digest} has the tags {', '.join(version.tags) or '(none)'}"
                raise RegistryError(f"{repository}: GitHub says that {what}, the registry says otherwise: look again")
        if versions and versions.keys() <= {one.digest for one in manifests}:
            self._delete(repository, place.removesuffix(VERSIONS), "the package", (204,))
            return len(versions)
        count = 0
        for one in in_order(manifests):
            version = versions.get(one.digest)
            if version is not None:
                # Another run may have deleted it.
                status = self._delete(repository, f"{place}/{version.number}", "a version", (204, 404))
                count += status == 204
        return count

    def versions(self, repository: str) -> tuple[str, Mapping[str, Version]]:
        """Where the versions of a repository's package are, and all of them by digest. Raises RegistryError."""
        _, _, path = repository.partition("/")
        owner, _, name = path.partition("/")
        # The name is one part of the address, slashes and all.
        whose, package = urllib.parse.quote(owner, safe=""), urllib.parse.quote(name, safe="")
        for kind in ("orgs", "users"):
            place = f"{self.api}/{kind}/{whose}/packages/container/{package}{VERSIONS}"
            status, _, _ = send(self.transport, "GET", f"{place}?per_page=1", self.headers)
            if status != 404:
                break
        found: dict[str, Version] = {}
        try:
            listed = list(pages(self.transport, f"{place}?per_page=100", self.headers))
        except RegistryError as error:
            raise RegistryError(f"{repository}: {error}") from error
        for page in listed:
            if not isinstance(page, list):
                raise RegistryError(f"{repository}: GitHub's list of versions cannot be read")
            for one in page:
                version = _version(one, repository)
                found[version.digest] = version
        return place, found

    def _delete(self, repository: str, url: str, what: str, accepted: Collection[int]) -> int:
        """The status of the answer. Raises RegistryError, in GitHub's words, for one that is not accepted."""
        status, _, body = send(self.transport, "DELETE", url, self.headers)
        if status not in accepted:
            said = (read_json(body) or {}).get("message", "")
            why = f": {printable(said[:MAX_SAID])}" if isinstance(said, str) and said else ""
            hint = "\n  the token needs delete:packages" if status in (401, 403, 404) else ""
            raise RegistryError(f"{repository}: GitHub does not delete {what} (status {status}){why}{hint}")
        return status


def _version(one: Any, repository: str) -> Version:
    try:
        number, digest, tags = one["id"], one["name"], one["metadata"]["container"]["tags"]
    except (KeyError, TypeError) as error:
        raise RegistryError(f"{repository}: GitHub lists a version that is no container's") from error
    if not isinstance(number, int) or not SHA256.fullmatch(str(digest)) or not isinstance(tags, list):
        raise RegistryError(f"{repository}: GitHub lists a version that is no container's")
    try:
        at = datetime.datetime.fromisoformat(str(one.get("created_at"))).timestamp()
    except (ValueError, OverflowError) as error:
        raise RegistryError(f"{repository}: GitHub lists a version without a time") from error
    return Version(number=number, digest=str(digest), tags=tuple(str(tag) for tag in tags), at=at)
