"""Whose records are believed: a policy's seal over records that were read, and over those of our own."""

from __future__ import annotations

from planner.model.image import ImageName
from planner.plan.statement import Seal
from planner.registry import artefact
from planner.registry.artefact import Summary
from planner.registry.client import digest_of, read_json


class Belief:
    """Asks a seal about records, once for the same bytes; None believes them no matter whose. For several threads.

    `refused` says why the last record of an image did not count.
    """

    def __init__(self, seal: Seal | None) -> None:
        self.seal = seal
        self.refused: dict[ImageName, str] = {}
        self._doubts: dict[tuple[ImageName, str], str] = {}

    def doubt(self, name: ImageName, found: Summary, body: bytes) -> str:
        """Why a record that was read does not count, "" where it does."""
        if self.seal is None:
            return ""
        what = (name, digest_of(body))
        if what not in self._doubts:
            self._doubts[what] = self.seal.doubt(found.statement, found.signature)
        if doubt := self._doubts[what]:
            self.refused[name] = doubt
        return doubt

    def own_doubt(self, body: bytes) -> str:
        """Why a record of ours would not count: a run that only reads may have no key, and must hide no signed one."""
        if self.seal is None:
            return ""
        made = artefact.summary(read_json(body) or {})
        return self.seal.doubt(made.statement, made.signature)
