"""Keeps the store of a state folder small, at the end of a run that built into it."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from planner.build.layout import Layout
from planner.build.store_room import blobs_of, is_due, sweep, swept
from planner.cli.asides import warn
from planner.cli.outcome import note
from planner.errors import StateError
from planner.local.records import SqliteRecords
from planner.local.state import State
from planner.model.image import ImageName
from planner.plan.store_room import beyond


def make_room(
    options: argparse.Namespace,
    state: State,
    records: SqliteRecords,
    present: Collection[tuple[ImageName, str]],
    began_at: float,
) -> None:
    """Drop what no record leads to, and with `--keep-bytes` what was unused for longest.

    `present` are the images and keys of this run, which began at `began_at` (seconds since 1970).
    """
    layout = Layout(state.layout)
    try:
        if not options.keep_bytes and not is_due(layout):
            return
        held = records.in_store(present)
        blobs = blobs_of(layout, (one.digest for one in held))
        gone = set(beyond(held, blobs, options.keep_bytes)) if options.keep_bytes else set()
        if gone:
            records.drop(gone)
        stays = {blob for one in held if one.row not in gone for blob in blobs[one.digest]}
        freed = sweep(layout, stays, began_at)
        swept(layout)
        taken = sum({blob: size for one in blobs.values() for blob, size in one.items() if blob in stays}.values())
    except (OSError, StateError) as error:
        warn(f"{layout.root}: was not tidied: {error}")
        return
    if freed and gone:
        note(f"{freed} bytes of {layout.root} came free: {len(gone)} images that were unused for longest went")
    if options.keep_bytes and taken > options.keep_bytes:
        warn(
            f"{layout.root}: the newest images and those of this run take {taken} bytes, more than --keep-bytes allows"
        )
