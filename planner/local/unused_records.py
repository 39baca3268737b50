"""Says which records of a state folder may go when there are too many, and drops them from its database.

A dropped record costs a rebuild of a state that nobody built or reused for long, mostly from the engine's cache; it
never makes anything stale.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from planner.local.record_rows import seconds_of
from planner.plan.droppable import droppable

MOST = 50
"""Records that are kept of an image for the same platforms."""
LARGEST = 256 << 20
"""Bytes that all records may take."""
SPARE = 1.25
"""By how much a bound is passed before anything is dropped, so that it is not looked for in each run."""
WORTH_SHRINKING = 1 << 20
"""Bytes of the file that nothing uses, above which, and above half of it, the file is written anew."""
SMALL = 512
"""Bytes of a record beside its manifests."""
GRAIN = 3600.0
"""Seconds within which a use is not written down again."""
PATIENCE = 1000
"""Milliseconds to wait for those who read while the file is written anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """A record and its bytes, as something Droppable."""

    row: int
    image: str
    platforms: str
    built_at: float
    used_at: float
    size: int
    wanted: bool = False


def unused(records: Iterable[Used], most: int = MOST, largest: int = LARGEST) -> list[int]:
    """The rows to drop so that both bounds hold, those first that were not used for longest.

    What is not `droppable` stays whatever the bounds.
    """
    found = list(records)
    counts = Counter((one.image, one.platforms) for one in found)
    size = sum(one.size for one in found)
    gone: list[int] = []
    for one in droppable(found):
        place = one.image, one.platforms
        if counts[place] > most or size > largest:
            gone.append(one.row)
            counts[place] -= 1
            size -= one.size
    return gone


def drop_unused(
    database: sqlite3.Connection,
    present: Collection[tuple[str, str]],
    now: float,
    most: int = MOST,
    largest: int = LARGEST,
) -> int:
    """Note that the `present` (image, key) are used, and drop what is unused where there is too much of it.

    One transaction: whatever happens meanwhile, all of it is done or nothing. Gives how many were dropped. Raises
    sqlite3.Error.
    """
    database.execute("BEGIN IMMEDIATE")
    with ending(database):
        database.executemany(
            "UPDATE records SET used_at = ? WHERE image = ? AND key = ? AND MAX(used_at, built_at) < ?",
            [(now, image, key, now - GRAIN) for image, key in present],
        )
        gone = unused(_rows(database, present), most, largest) if _too_many(database, most, largest) else []
        database.executemany("DELETE FROM records WHERE rowid = ?", [(row,) for row in gone])
    if gone:
        _shrink(database)
    return len(gone)


@contextlib.contextmanager
def ending(database: sqlite3.Connection) -> Iterator[None]:
    """A transaction that has begun: it is committed, or with an error taken back."""
    try:
        yield
        database.execute("COMMIT")  # it fails where somebody reads for too long
    except BaseException:
        if database.in_transaction:  # A full disk has ended it already.
            database.execute("ROLLBACK")
        raise


def _too_many(database: sqlite3.Connection, most: int, largest: int) -> bool:
    longest = database.execute(
        "SELECT COALESCE(MAX(found), 0) FROM (SELECT COUNT(*) AS found FROM records GROUP BY image, platforms)"
    ).fetchone()[0]
    return bool(longest > most * SPARE or _bytes(database) > largest * SPARE)


def _bytes(database: sqlite3.Connection) -> int:
    pages, free, size = (
        int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _rows(database: sqlite3.Connection, present: Collection[tuple[str, str]]) -> list[Used]:
    query = """
        SELECT rowid, image, platforms, built_at, MAX(used_at, built_at), LENGTH(manifests) + LENGTH(steps), key
        FROM records
    """
    wanted = set(present)
    return [
        Used(
            row=int(row),
            image=str(image),
            platforms=str(platforms),
            built_at=seconds_of(built_at) or 0.0,
            used_at=seconds_of(used_at) or 0.0,
            size=int(size) + SMALL,
            wanted=(image, key) in wanted,
        )
        for row, image, platforms, built_at, used_at, size, key in database.execute(query)
    ]


def _shrink(database: sqlite3.Connection) -> None:
    """Write the file anew where much of it is free. Without room for that, or beside a reader, it stays as it is."""
    pages, free, size = (
        int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    if free * 2 < pages or free * size < WORTH_SHRINKING:
        return
    waited = int(database.execute("PRAGMA busy_timeout").fetchone()[0])
    database.execute(f"PRAGMA busy_timeout = {PATIENCE}")
    with contextlib.suppress(sqlite3.Error):
        database.execute("VACUUM")
    database.execute(f"PRAGMA busy_timeout = {waited}")
