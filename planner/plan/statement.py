"""What a signature of a record covers, as bytes; and what signs and checks it. Knows no cryptography."""

from __future__ import annotations

import json
from typing import Protocol

from planner.model.frozen import dataclass

STATEMENT = "application/vnd.image-family-planner.record-statement.v1+json"
"""The payload type of signatures of records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """What a record says. `record` is the digest of its layer: of the manifests of inputs, the times and the steps."""

    image: str
    platforms: tuple[str, ...]
    key: str
    resolved_key: str
    digest: str
    record: str
    created: str


def statement_bytes(said: Statement, scope: str) -> bytes:
    """The one spelling of a statement in a scope. Where a registry is is no part of it, so that it can move."""
    document = {
        "version": 1,
        "scope": scope,
        "image": said.image,
        "platforms": list(said.platforms),
        "key": said.key,
        "resolved_key": said.resolved_key,
        "digest": said.digest,
        "record": said.record,
        "created": said.created,
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii")


class Seal(Protocol):
    """Signs and checks records of one scope."""

    def signature(self, said: Statement) -> str:
        """The signature of a statement, "" for none."""
        ...

    def doubt(self, said: Statement, signature: str) -> str:
        """Why a record that says this with such a signature ("" for none) does not count; "" where it does."""
        ...
