"""Finds digest pins of a graph's images in text, and turns the digests that should stand there into exact edits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from planner.model.frozen import dataclass
from planner.model.image import ImageName
from planner.model.names import Index, Reference, owner_of

_DIGEST = re.compile(rb"@(?P<digest>sha256:[0-9a-f]{64})(?![0-9a-f])")
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:")
MAX_NAME = 400
"""Bytes before the `@` that may belong to a name; a repository and a tag have at most 255 and 128."""
_ANY = f"sha256:{'0' * 64}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One `NAME@sha256:…` of an image of the graph: its file and line, and where its digest stands in the bytes."""

    file: str
    line: int
    reference: str
    image: ImageName
    digest: str
    start: int

    @property
    def end(self) -> int:
        """Where the digest ends."""
        return self.start + len(self.digest)


def pins_in(data: bytes, file: str, index: Index) -> Iterator[Pin]:
    """The pins in a file's bytes. A name counts when the graph publishes its repository, whatever the tag beside it."""
    for found in _DIGEST.finditer(data):
        name = _name_before(data, found.start())
        image = _owner(name, index)
        if image is not None:
            yield Pin(
                file=file,
                line=data.count(b"\n", 0, found.start()) + 1,
                reference=name,
                image=image,
                digest=found["digest"].decode("ascii"),
                start=found.start("digest"),
            )


def _name_before(data: bytes, end: int) -> str:
    """The longest run of letters that a reference may hold, up to `end`."""
    start = end
    while start > max(end - MAX_NAME, 0) and data[start - 1] in _NAME:
        start -= 1
    # What a scheme ends with is no part of a name: docker://name@…, docker-image://name@…
    return data[start:end].decode("ascii").rpartition("//")[2]


def _owner(name: str, index: Index) -> ImageName | None:
    try:
        owner = owner_of(index, Reference.parse(f"{name}@{_ANY}"))
    except ValueError:
        return None
    return None if owner is None else ImageName(owner)


def stale(pins: Sequence[Pin], current: Mapping[ImageName, str]) -> tuple[Pin, ...]:
    """The pins whose digest is not the one that `current` holds for their image."""
    return tuple(pin for pin in pins if current[pin.image] != pin.digest)


def rewritten(data: bytes, pins: Sequence[Pin], current: Mapping[ImageName, str]) -> bytes:
    """The same bytes with the digests of these pins exchanged, nothing else touched."""
    parts: list[bytes] = []
    at = 0
    for pin in sorted(pins, key=lambda pin: pin.start):
        parts += [data[at : pin.start], current[pin.image].encode("ascii")]
        at = pin.end
    return b"".join([*parts, data[at:]])
