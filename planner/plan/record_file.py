"""Turns a record into the document that a registry keeps of it, and back.

The document is read as if anybody had written it: what does not fit raises Unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from planner.digest.inputs import SCHEMA
from planner.digest.written import Unreadable, expect_sparse
from planner.model.build import LAST_SECOND, Record, StepTime, Store, Stored
from planner.model.image import ImageName
from planner.model.names import SHA256

VERSION = 1
MAX_STEPS = 10_000
KEY = re.compile(r"x3-[0-9a-f]{32}|s2-[0-9a-f]{64}")


def write(record: Record) -> bytes:
    """The document of a record, without where its image is kept: that is told by where the document is found."""
    document = {
        "version": VERSION,
        "schema": SCHEMA,
        "image": record.image,
        "platforms": list(record.platforms),
        "key": record.key,
        "resolved_key": record.resolved_key,
        "digest": record.stored.digest,
        "built_at": record.built_at,
        "seconds": record.seconds,
        "steps": [[step.name, step.seconds, step.cached] for step in record.steps],
        "manifests": record.manifests,
        "retries": record.retries,
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii")


def read(data: bytes, repository: str) -> Record:
    """The record of a document that was found in a repository. Raises Unreadable."""
    try:
        text = data.decode("ascii")
        expect_sparse(text)
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("version") != VERSION:
            raise Unreadable(f"is no record of version {VERSION}")
        return _record(found, repository)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Unreadable(f"is no record: {error!r}"[:200]) from error


def _record(found: Mapping[str, Any], repository: str) -> Record:
    steps = found["steps"]
    if len(steps) > MAX_STEPS:
        raise Unreadable("has too many steps")
    return Record(
        image=ImageName(_text(found["image"])),
        platforms=tuple(_text(one) for one in found["platforms"]),
        key=_matching(KEY, found["key"]),
        resolved_key=_matching(KEY, found["resolved_key"]),
        stored=Stored(store=Store.REGISTRY, digest=_matching(SHA256, found["digest"]), repository=repository),
        built_at=_number(found["built_at"]),
        seconds=_number(found["seconds"]),
        manifests=_text(found["manifests"]),
        steps=tuple(
            StepTime(name=_text(name), seconds=_number(took), cached=bool(cached)) for name, took, cached in steps
        ),
        retries=_count(found.get("retries", 0)),  # older planners did not count them
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable("a text is none")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LAST_SECOND:
        raise Unreadable("a number is none")
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_STEPS:
        raise Unreadable("a count is none")
    return value


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Unreadable("a key or digest is none")
    return value
