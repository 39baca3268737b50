"""Leases in a registry: of two runners that want the same key one builds, and the other waits and reuses.

A lease is a tag beside the image that names a small artefact: who holds it, and how often it was renewed. Registries
offer no compare-and-swap, so two may believe to hold one: then both build, and each writes a true record. Nobody's
clock is compared with another's: a lease has expired when this process has not seen it change for as long as it says.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from planner.errors import RegistryError
from planner.model.build import Record
from planner.model.image import ImageName
from planner.registry.artefact import CREATED, EMPTY, EMPTY_BLOB, MANIFEST, PREFIX, written_time
from planner.registry.client import HttpRegistry, digest_of
from planner.registry.records import PublishedRecords

LEASE = "application/vnd.image-family-planner.lease.v1+json"
"""The `artifactType` of leases."""
SETTLE = 0.3
"""Seconds after which a lease that was written is read back: another's that was written at once is seen by then."""
LOOK = 1.0
"""Seconds between two looks at a lease that another holds."""
SHORTEST, LONGEST = 2.0, 3600.0
"""What a lease may say of how long it holds without being renewed (seconds)."""
PATIENCE = 3600.0
"""Seconds for which an image waits for others in all, so that nobody is kept by a lease that is renewed for ever."""
LEAVE = 10.0
"""Seconds for which whoever gives a lease up waits for a registry that is silent: it expires all the same."""
MAX_OWNER = 200


def lease_tag(key: str) -> str:
    """The tag of a key's lease."""
    return f"lease-{key}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A lease as it was read: it changes with every renewal. `seconds` is how long it holds without one."""

    digest: str
    owner: str
    seconds: float


class Held:
    """A lease that this process holds, and renews until it is released."""

    def __init__(self, leases: RegistryLeases, repository: str, key: str) -> None:
        self.leases = leases
        self.repository = repository
        self.key = key
        self.digest = ""
        self._beat = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def write(self) -> None:
        """Write it, or renew it. Raises RegistryError."""
        before, self._beat = self.digest, self._beat + 1
        self.digest = self.leases.put(self.repository, self.key, self._beat)
        if before and before != self.digest:
            self.leases.remove(self.repository, before)

    def start(self) -> None:
        """Begin to renew it."""
        self._thread.start()

    def _renew(self) -> None:
        while not self._over.wait(self.leases.seconds / 4):
            # A registry that fails now may answer at the next turn; else the lease expires, and another builds too.
            with contextlib.suppress(RegistryError):
                seen = self.leases.seen(self.repository, self.key)
                if seen is None or seen.digest == self.digest:
                    self.write()

    def release(self) -> None:
        """Give it up: the next one need not wait for it to expire."""
        self._over.set()
        leaving = threading.Thread(target=self._remove, daemon=True)
        leaving.start()
        leaving.join(LEAVE)

    def _remove(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()
        with contextlib.suppress(RegistryError):
            self.leases.remove(self.repository, self.digest)


class RegistryLeases:
    """The leases of one run; see `planner.ports.Leases`. `owner` is shown to those who wait."""

    def __init__(
        self,
        published: PublishedRecords,
        owner: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        assert published.registry is not None  # noqa: S101 -- there are no leases offline
        self.registry: HttpRegistry = published.registry
        self.published = published
        self.owner = owner[:MAX_OWNER]
        self.seconds = min(max(seconds, SHORTEST), LONGEST)
        self.clock = clock
        self.sleep = sleep
        self.patience = patience
        self._run = secrets.token_hex(8)

    def put(self, repository: str, key: str, beat: int) -> str:
        """Write a lease of ours, and give its digest. Raises RegistryError."""
        empty = {"mediaType": EMPTY, "digest": digest_of(EMPTY_BLOB), "size": len(EMPTY_BLOB)}
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": LEASE,
            "config": empty,
            "layers": [empty],
            "annotations": {
                f"{PREFIX}owner": self.owner,
                f"{PREFIX}run": self._run,
                f"{PREFIX}beat": str(beat),
                f"{PREFIX}seconds": str(self.seconds),
                CREATED: written_time(time.time()),
            },
        }
        self.registry.put_blob(repository, EMPTY_BLOB)
        body = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
        self.registry.put(repository, lease_tag(key), body, MANIFEST)
        return digest_of(body)

    def seen(self, repository: str, key: str) -> Seen | None:
        """The lease of a key as it is now; one that cannot be read is none. Raises RegistryError."""
        found = self.registry.fetch(repository, lease_tag(key))
        if found is None or found.document.get("artifactType") != LEASE:
            return None
        notes = found.document.get("annotations")
        try:
            seconds = float(notes[f"{PREFIX}seconds"]) if isinstance(notes, dict) else 0.0
            owner = str(notes[f"{PREFIX}owner"])[:MAX_OWNER] if isinstance(notes, dict) else ""
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        if not SHORTEST <= seconds <= LONGEST:
            return None
        return Seen(digest=found.digest, owner=owner, seconds=seconds)

    def remove(self, repository: str, digest: str) -> None:
        """Remove a lease of ours by its digest, which no other lease has. Raises RegistryError."""
        self.registry.delete(repository, digest)

    def take(
        self, image: ImageName, key: str, tell: Callable[[str], None], ending: Callable[[], bool]
    ) -> Held | Record | None:
        """See Leases."""
        repository = self.published.repository(image)
        began = self.clock()
        try:
            for other in self._others(repository, key, tell):
                record = self.published.published_now(image, key)
                if record is not None:
                    return record
                if other is None and (held := self._written(repository, key)) is not None:
                    return held
                if ending():
                    return None
                if self.clock() - began >= self.patience:
                    tell(f"waited long enough for {other.owner if other else 'others'}: builds {key} too")
                    return None
                if other is not None:
                    self.sleep(LOOK)
        except RegistryError:
            return None
        raise AssertionError("somebody holds a lease, or nobody does")

    def _written(self, repository: str, key: str) -> Held | None:
        """A lease of ours, None where another was there a moment later. Raises RegistryError."""
        held = Held(self, repository, key)
        held.write()
        self.sleep(SETTLE)
        now = self.seen(repository, key)
        if now is not None and now.digest != held.digest:
            return None
        held.start()
        return held

    def _others(self, repository: str, key: str, tell: Callable[[str], None]) -> Iterator[Seen | None]:
        """The lease that another holds, again and again; None where there is none that has not expired."""
        known: Seen | None = None
        since = self.clock()
        while True:
            seen = self.seen(repository, key)
            if seen is None:
                known = None
                yield None
                continue
            if known is None or seen.digest != known.digest:
                if known is None or known.owner != seen.owner:
                    tell(f"waiting for {seen.owner}, which builds {key}")
                known, since = seen, self.clock()
            yield None if self.clock() - since > seen.seconds else seen
