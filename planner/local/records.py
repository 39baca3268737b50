"""Keeps records of what was built in one SQLite file: durable when `add` returns, whole after a kill at any moment."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sqlite3
import threading
import urllib.parse
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import StateError
from planner.local.record_rows import built_of, record_of, seconds_of
from planner.local.unused_records import drop_unused, ending
from planner.model.build import Record, Store
from planner.model.image import ImageName
from planner.plan.store_room import Held

if TYPE_CHECKING:
    from planner.explain.history import Built

FORMAT = 1
WAIT = 30.0
"""Seconds to wait for another process that writes."""
MOST = 100
"""Rows that one question looks at."""
_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS records (
        image TEXT NOT NULL, platforms TEXT NOT NULL, key TEXT NOT NULL, resolved_key TEXT NOT NULL,
        store TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL,
        built_at REAL NOT NULL, seconds REAL NOT NULL, steps TEXT NOT NULL, manifests BLOB NOT NULL,
        PRIMARY KEY (image, platforms, key, store, repository)
    )
    """,
    "CREATE INDEX IF NOT EXISTS newest ON records (image, built_at)",
    "CREATE INDEX IF NOT EXISTS resolved ON records (image, resolved_key)",
)
_COLUMNS = "image, platforms, key, resolved_key, store, repository, digest, built_at, seconds, steps, manifests"
_LATER = {"used_at": "REAL NOT NULL DEFAULT 0", "retries": "INTEGER NOT NULL DEFAULT 0"}
"""Columns that older planners neither wrote nor miss."""


class SqliteRecords:
    """The records of one state folder; see `planner.ports.Records`. May be used from several threads.

    Raises StateError when the file cannot be read or written, also when a newer planner wrote it.
    """

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self.path = path
        self._lock = threading.Lock()
        # Not "ro" for who only reads: whoever comes after a kill takes back what was half written.
        place = f"file:{urllib.parse.quote(os.fsencode(path.absolute()))}?mode={'rwc' if writable else 'rw'}"
        with self._telling():
            self._database = sqlite3.connect(
                place, uri=True, timeout=WAIT, check_same_thread=False, isolation_level=None
            )
            found = int(self._database.execute("PRAGMA user_version").fetchone()[0])
            if found > FORMAT:
                raise StateError(f"{path}: was written by a newer planner (format {found}): upgrade, or remove it")
            if not writable:
                self._database.execute("PRAGMA query_only = ON")
            else:
                self._database.execute("PRAGMA synchronous = FULL")
                self._make()
            known = self._known()
            # A first run may be at it just now, or have ended before it got to it, since the disk was full.
            self.has_begun = found != 0 or bool(known)
            self._retries = "retries" if "retries" in known else "0"

    def _make(self) -> None:
        """All of it or nothing: who reads meanwhile, or after a kill, finds a whole table or none."""
        self._database.execute("BEGIN IMMEDIATE")
        with ending(self._database):
            for statement in _TABLES:
                self._database.execute(statement)
            for name in _LATER.keys() - self._known():
                self._database.execute(f"ALTER TABLE records ADD COLUMN {name} {_LATER[name]}")
            self._database.execute(f"PRAGMA user_version = {FORMAT}")

    def _known(self) -> set[str]:
        return {str(row[1]) for row in self._database.execute("PRAGMA table_info(records)")}

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "it needs room and must be writable; it may be removed, then everything is built again"
            raise StateError(f"{self.path}: {error}\n  {hint}") from error

    def find(self, image: ImageName, platforms: tuple[str, ...], key: str) -> Sequence[Record]:
        """See Records."""
        return self._select("image = ? AND platforms = ? AND key = ?", (image, ",".join(platforms), key))

    def find_resolved(self, image: ImageName, platforms: tuple[str, ...], resolved_key: str) -> Sequence[Record]:
        """See Records."""
        where = "image = ? AND platforms = ? AND resolved_key = ?"
        return self._select(where, (image, ",".join(platforms), resolved_key))

    def latest(self, image: ImageName) -> Record | None:
        """See Records."""
        query = "SELECT rowid FROM records WHERE image = ? ORDER BY rowid DESC LIMIT ?"
        with self._lock, self._telling():
            rows = self._database.execute(query, (image, MOST)).fetchall()
        # One at a time: they may be long.
        found = (record for (row,) in rows for record in self._select("rowid = ?", (row,), 1))
        return next(found, None)

    def refused(self, image: ImageName) -> str:
        """See Records: what this machine wrote down is believed."""
        return ""

    def seconds(self) -> dict[ImageName, float]:
        """How long the newest build of each image took, in seconds. Reads no manifests."""
        query = "SELECT image, seconds, MAX(rowid) FROM records GROUP BY image"
        with self._lock, self._telling():
            rows = self._database.execute(query).fetchall()
        told = ((ImageName(str(image)), seconds_of(took)) for image, took, _ in rows)
        return {image: took for image, took in told if took is not None}

    def history(self) -> list[Built]:
        """Every recorded build, oldest first. Reads no manifests."""
        query = (
            f"SELECT image, built_at, seconds, steps, {self._retries} FROM records "  # noqa: S608
            "GROUP BY image, platforms, key ORDER BY built_at"
        )
        with self._lock, self._telling():
            rows = self._database.execute(query).fetchall()
        return [built for row in rows if (built := built_of(*row)) is not None]

    def _select(self, where: str, values: tuple[str | int, ...], wanted: int = MOST) -> list[Record]:
        """So many that can be read, those first that were written last, whatever the clock said.

        No more rows are read than that takes: they may be long.
        """
        query = f"SELECT {_COLUMNS}, {self._retries} FROM records WHERE {where} ORDER BY rowid DESC LIMIT {MOST}"  # noqa: S608
        with self._lock, self._telling(), contextlib.closing(self._database.execute(query, values)) as rows:
            readable = (record for row in rows if (record := record_of(row)) is not None)
            return list(itertools.islice(readable, wanted))

    def add(self, record: Record) -> None:
        """See Records."""
        row = (
            record.image,
            ",".join(record.platforms),
            record.key,
            record.resolved_key,
            record.stored.store.value,
            record.stored.repository,
            record.stored.digest,
            record.built_at,
            record.seconds,
            json.dumps([[step.name, step.seconds, step.cached] for step in record.steps]),
            zlib.compress(record.manifests.encode(), 1),
            record.retries,
        )
        marks = ",".join("?" * len(row))
        with self._lock, self._telling():
            self._database.execute(f"INSERT OR REPLACE INTO records ({_COLUMNS}, retries) VALUES ({marks})", row)  # noqa: S608

    def forget(self, record: Record) -> None:
        """See Records."""
        with self._lock, self._telling():
            self._database.execute(
                "DELETE FROM records WHERE image = ? AND platforms = ? AND key = ? AND store = ? AND repository = ?",
                (
                    record.image,
                    ",".join(record.platforms),
                    record.key,
                    record.stored.store.value,
                    record.stored.repository,
                ),
            )

    def drop_unused(self, present: Collection[tuple[ImageName, str]], now: float) -> int:
        """Drop what was unused for longest where there are too many records; see `planner.local.unused_records`.

        `present` are the images and keys of a run that ends `now`. Gives how many were dropped.
        """
        with self._lock, self._telling():
            return drop_unused(self._database, present, now)

    def in_store(self, present: Collection[tuple[ImageName, str]]) -> list[Held]:
        """The records whose images are in the planner's own store; `present` are the images and keys of this run."""
        query = """
            SELECT rowid, image, platforms, digest, built_at, MAX(used_at, built_at), key FROM records WHERE store = ?
        """
        with self._lock, self._telling():
            rows = self._database.execute(query, (Store.LAYOUT.value,)).fetchall()
        return [
            Held(
                row=int(row),
                image=str(image),
                platforms=str(platforms),
                digest=str(digest),
                built_at=seconds_of(built_at) or 0.0,
                used_at=seconds_of(used_at) or 0.0,
                wanted=(image, key) in present,
            )
            for row, image, platforms, digest, built_at, used_at, key in rows
        ]

    def drop(self, rows: Iterable[int]) -> None:
        """Forget these records of `in_store`, all or none."""
        with self._lock, self._telling():
            self._database.execute("BEGIN IMMEDIATE")
            with ending(self._database):
                self._database.executemany("DELETE FROM records WHERE rowid = ?", [(row,) for row in rows])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()


class NoRecords:
    """Records of a folder in which nothing was built yet."""

    def find(self, image: ImageName, platforms: tuple[str, ...], key: str) -> Sequence[Record]:
        """See Records."""
        return ()

    def find_resolved(self, image: ImageName, platforms: tuple[str, ...], resolved_key: str) -> Sequence[Record]:
        """See Records."""
        return ()

    def latest(self, image: ImageName) -> Record | None:
        """See Records."""
        return None

    def refused(self, image: ImageName) -> str:
        """See Records."""
        return ""

    def seconds(self) -> dict[ImageName, float]:
        """See SqliteRecords."""
        return {}

    def history(self) -> list[Built]:
        """See SqliteRecords."""
        return []

    def add(self, record: Record) -> None:
        """Never called: whoever builds opens real records."""
        raise AssertionError("nothing is recorded here")

    def forget(self, record: Record) -> None:
        """See Records."""


def open_records(state: Path) -> SqliteRecords | NoRecords:
    """The records below a state folder, for reading: none where nothing was built."""
    path = state / "records.sqlite"
    try:
        path.stat()
    except FileNotFoundError:
        return NoRecords()
    except OSError as error:
        hint = "give --state DIR, a folder that can be read"
        raise StateError(f"{state}: the state folder cannot be read: {error.strerror}\n  {hint}") from error
    found = SqliteRecords(path, writable=False)
    if found.has_begun:
        return found
    found.close()
    return NoRecords()
