"""Looks whether anything published or recorded is stale, and whether anything that a record names is lost."""

from __future__ import annotations

import contextlib
import gzip
import io
import sqlite3
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.errors import RegistryError
from planner.model.build import Store
from planner.registry.artefact import record_tag
from planner.registry.client import HttpRegistry
from planner.registry.whole import blobs, whole
from tests.soak.family import SoakFamily

LAYER = 64 << 20

Row = tuple[str, str, str]
"""Image, key and digest of a record."""


class Stale(AssertionError):
    """An image is not what a fresh build would give."""


class Lost(AssertionError):
    """A record names what cannot be pulled, or a run that nothing disturbed did not complete."""


@dataclass
class Checks:
    """The checks of one soak. `gone` are the records of what a clean-up removed; they may name what is not there.

    Between two clean-ups nothing may be removed: what was pulled since the last one is not pulled again by `present`,
    but by `all_records`. Equal digests have equal content, which is read once.
    """

    family: SoakFamily
    repositories: str
    gone: set[Row] = field(default_factory=set)
    states: dict[str, str] = field(default_factory=dict)
    whole: set[tuple[str, str]] = field(default_factory=set)
    pulled: int = 0
    compared: int = 0

    def present(self, keys: Mapping[str, str], *, complete: bool = False) -> None:
        """What is published or recorded under the present keys is whole and holds what it must.

        With `complete` it must be there. Raises Stale and Lost.
        """
        registry = HttpRegistry()
        recorded = {(name, key): digest for name, key, digest in self.records(gone=complete)}
        for name, key in keys.items():
            tagged = registry.digest_of(f"{self.repositories}/{name}", key)
            if complete:
                self._expect(registry, name, key, tagged, recorded.get((name, key)))
            for digest in {found for found in (tagged, recorded.get((name, key))) if found}:
                if (name, digest) not in self.whole:
                    self._pull(registry, name, digest)
                self._compare(registry, name, key, digest)
        if complete:
            self.gone = {one for one in self.gone if one[:2] not in keys.items()}

    def all_records(self) -> None:
        """Every record's image can be pulled, but for what a clean-up removed. Raises Lost."""
        registry = HttpRegistry()
        for name, _, digest in self.records():
            self._pull(registry, name, digest)

    def cleaned(self, keys: Mapping[str, str]) -> None:
        """After a clean-up: note which records, but for those of the present keys, name what is not there any more."""
        self.whole.clear()
        registry = HttpRegistry()
        self.gone = {
            (name, key, digest)
            for name, key, digest in self.records(gone=True)
            if (name, key) not in keys.items() and registry.digest_of(f"{self.repositories}/{name}", digest) is None
        }

    def forget(self) -> None:
        """Read and pull everything anew from now on."""
        self.states.clear()
        self.whole.clear()

    def records(self, *, gone: bool = False) -> list[Row]:
        """Every local record of a published image; with `gone`, of those too whose images a clean-up removed."""
        place = self.family.workspace.root / ".planner" / "records.sqlite"
        if not place.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{place}?mode=rw", uri=True)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone():
                return []  # The first run was killed before it got to that.
            found = database.execute("SELECT image, key, digest FROM records WHERE store = ?", (Store.REGISTRY.value,))
            rows = [(str(image), str(key), str(digest)) for image, key, digest in found.fetchall()]
            return [row for row in rows if gone or row not in self.gone]

    def _pull(self, registry: HttpRegistry, name: str, digest: str) -> None:
        try:
            whole(registry, f"{self.repositories}/{name}", digest)
        except RegistryError as error:
            raise Lost(f"a record of {name} names {digest}: {error}") from error
        self.whole.add((name, digest))
        self.pulled += 1

    def _expect(self, registry: HttpRegistry, name: str, key: str, tagged: str | None, here: str | None) -> None:
        """A build that ended well left the image, and a record of it.

        A kill between the record in the registry and the one here leaves the first alone, which is enough to reuse it.
        """
        published = registry.digest_of(f"{self.repositories}/{name}", record_tag(key))
        if tagged is None or (here is None and published is None):
            told = f"tag {tagged}, record here {here}, record there {published}"
            raise Lost(f"{name} is not there in its present state {key} after a build that ended well: {told}")

    def _compare(self, registry: HttpRegistry, name: str, key: str, digest: str) -> None:
        if digest not in self.states:
            self.states[digest] = read_state(registry, f"{self.repositories}/{name}", digest)
        if self.states[digest] != self.family.state(name):
            raise Stale(f"{name} {digest} under {key}: {self.states[digest]!r}, not {self.family.state(name)!r}")
        self.compared += 1


def read_state(registry: HttpRegistry, repository: str, digest: str) -> str:
    """The text of `/state` in the last layer that has one."""
    _, document = registry.manifest(repository, digest)
    for layer, _ in reversed(blobs(document)[1:]):
        data = gzip.decompress(registry.blob(repository, layer, LAYER))
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if member.name.lstrip("./") == "state":
                    stream = archive.extractfile(member)
                    assert stream is not None
                    return stream.read().decode()
    raise Stale(f"{repository}@{digest} holds no state")
