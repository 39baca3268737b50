"""Turns rows of the database of records into records. A row that cannot be read is none: it explains nothing."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from planner.model.build import LAST_SECOND, Record, StepTime, Store, Stored
from planner.model.image import ImageName

if TYPE_CHECKING:
    from planner.explain.history import Built

MAX_MANIFESTS = 1 << 30
_DAMAGE = (ValueError, TypeError, OverflowError, RecursionError)


def record_of(row: Sequence[object]) -> Record | None:
    """A record, None where a newer planner or nobody at all wrote such a row."""
    image, platforms, key, resolved, store, repository, digest, built_at, seconds, steps, manifests, retries = row
    try:
        return Record(
            image=ImageName(str(image)),
            platforms=tuple(str(platforms).split(",")),
            key=str(key),
            resolved_key=str(resolved),
            stored=Stored(store=Store(str(store)), digest=str(digest), repository=str(repository)),
            built_at=_number(built_at),
            seconds=_number(seconds),
            manifests=_unpacked(manifests),
            steps=tuple(
                StepTime(name=str(name), seconds=float(took), cached=bool(cached))
                for name, took, cached in _list(steps)
            ),
            retries=int(str(retries)),
        )
    except _DAMAGE:
        return None


def built_of(image: object, built_at: object, seconds: object, steps: object, retries: object) -> Built | None:
    """A build of the history, None as above."""
    from planner.explain.history import Built  # it brings statistics along

    try:
        found = [bool(cached) for _, _, cached in _list(steps)]
        return Built(
            image=ImageName(str(image)),
            built_at=_number(built_at),
            seconds=_number(seconds),
            cached=sum(found),
            steps=len(found),
            retries=int(str(retries)),
        )
    except _DAMAGE:
        return None


def seconds_of(value: object) -> float | None:
    """A moment or a time, None for what is neither."""
    try:
        return _number(value)
    except _DAMAGE:
        return None


def _number(value: object) -> float:
    number = float(str(value))
    if not 0 <= number <= LAST_SECOND:
        raise ValueError(f"{number}: is no time")
    return number


def _list(text: object) -> list[Any]:
    found = json.loads(str(text))
    if not isinstance(found, list):
        raise TypeError("is no list")
    return found


def _unpacked(data: object) -> str:
    """The text of a row; "" for one that cannot be read, which then explains nothing and costs nothing else."""
    if not isinstance(data, bytes):
        return ""
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(data, MAX_MANIFESTS).decode()
    except (zlib.error, UnicodeDecodeError):
        return ""
