"""Decides which recorded images leave the planner's own store when it takes more bytes than it may.

An image that goes with its record costs a rebuild of a state that nobody built or reused for long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from planner.model.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A record whose image is in the store: its row, its image with its platforms, and times in seconds since 1970.

    `wanted` ones belong to the present run.
    """

    row: int
    image: str
    platforms: str
    digest: str
    built_at: float
    used_at: float
    wanted: bool = False


def beyond(records: Iterable[Held], blobs: Mapping[str, Mapping[str, int]], limit: int) -> list[int]:
    """The rows to drop so that the blobs of all others take at most `limit` bytes, unused for longest first.

    `blobs` has the blobs of each digest with their sizes; a blob that several images share counts once. The newest
    record of each image and its platforms stays whatever the limit, as do those that are wanted.
    """
    found = sorted(records, key=lambda one: (one.used_at, one.built_at, one.row))
    newest = {(one.image, one.platforms): one.row for one in sorted(found, key=lambda one: (one.built_at, one.row))}
    stay = set(newest.values())
    uses = Counter(blob for one in found for blob in blobs[one.digest])
    sizes = {blob: size for one in found for blob, size in blobs[one.digest].items()}
    size = sum(sizes.values())
    gone: list[int] = []
    for one in found:
        if size <= limit:
            break
        if one.row in stay or one.wanted:
            continue
        gone.append(one.row)
        for blob in blobs[one.digest]:
            uses[blob] -= 1
            size -= sizes[blob] if not uses[blob] else 0
    return gone
