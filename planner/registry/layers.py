"""Reads the layers of records: what stands in them is held to bounds, one record after the other."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

from planner.model.build import Record
from planner.registry import artefact
from planner.registry.artefact import Summary
from planner.registry.client import HttpRegistry
from planner.registry.snapshot import Snapshot

LONG = 1 << 20
"""Bytes of a layer from which on it is fetched while no other one is."""
MAX_KEPT = 512 << 20
"""Letters of manifests that one run keeps to explain changes with: those of 4 million files, say."""


class Layers:
    """The layers below one prefix of a registry, which is None offline. For several threads."""

    def __init__(self, registry: HttpRegistry | None, snapshot: Snapshot) -> None:
        self.registry = registry
        self.snapshot = snapshot
        self._one = threading.RLock()
        self._kept = 0

    def record(self, repository: str, told: Summary) -> Record | None:
        """The whole record of a summary, None where its layer is not at hand. Raises Unreadable, RegistryError."""
        with self._one if told.size > LONG else contextlib.nullcontext():
            layer = self.snapshot.blob(told.layer)
            if layer is None:
                if self.registry is None:
                    return None
                layer = self.registry.blob(repository, told.layer, told.size)
                self.snapshot.keep_blob(layer)
            # Sixteen threads that ask are no reason to hold sixteen records of the largest size at once.
            with self._one:
                return artefact.unpack(layer, repository)

    def kept(self, record: Record) -> Record:
        """A record as it is kept until the run ends: without its manifests where there would be too many."""
        with self._one:
            self._kept += len(record.manifests)
            return record if self._kept <= MAX_KEPT else replace(record, manifests="")
