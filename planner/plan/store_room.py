"""Decides which recorded images leave the planner's own store when it takes more bytes than it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from planner.model.frozen import dataclass
from planner.plan.droppable import droppable


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A record whose image is in the store under a digest, as something Droppable."""

    row: int
    image: str
    platforms: str
    digest: str
    built_at: float
    used_at: float
    wanted: bool = False


def beyond(records: Iterable[Held], blobs: Mapping[str, Mapping[str, int]], limit: int) -> list[int]:
    """The rows to drop so that the blobs of all others take at most `limit` bytes, unused for longest first.

    `blobs` has the blobs of each digest with their sizes; a blob that several images share counts once. What is not
    `droppable` stays whatever the limit.
    """
    found = list(records)
    uses = Counter(blob for one in found for blob in blobs[one.digest])
    sizes = {blob: size for one in found for blob, size in blobs[one.digest].items()}
    size = sum(sizes.values())
    gone: list[int] = []
    for one in droppable(found):
        if size <= limit:
            break
        gone.append(one.row)
        for blob in blobs[one.digest]:
            uses[blob] -= 1
            size -= sizes[blob] if not uses[blob] else 0
    return gone
