"""Sweeps the planner's own store: what no record leads to goes.

A state folder is held by one run at a time, and only a run that built sweeps, at its end: what it built is recorded by
then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from planner.build.layout import Incomplete, Layout

PAUSE = 3600.0
"""Seconds between two looks at the whole store where no limit asks for one."""
_NAME = re.compile(r"[0-9a-f]{64}")


def blobs_of(layout: Layout, digests: Iterable[str]) -> dict[str, dict[str, int]]:
    """The blobs of each image with their sizes. One that is not whole has none. Raises OSError."""
    found: dict[str, dict[str, int]] = {}
    for digest in digests:
        if digest not in found:
            try:
                found[digest] = layout.blobs(digest)
            except (Incomplete, FileNotFoundError):  # It is built again when it is wanted.
                found[digest] = {}
    return found


def sweep(layout: Layout, wanted: Collection[str], before: float) -> int:
    """Delete every blob that is not wanted and that nobody wrote since `before` (seconds since 1970).

    Gives the bytes that came free. Raises OSError.
    """
    freed = 0
    names = {digest.removeprefix("sha256:") for digest in wanted}
    for blob in (layout.root / "blobs" / "sha256").iterdir():
        status = blob.lstat()
        if _NAME.fullmatch(blob.name) and blob.name not in names and status.st_mtime < before:
            blob.unlink(missing_ok=True)
            freed += status.st_size
    return freed


def is_due(layout: Layout) -> bool:
    """Whether the store was not looked through for a while, or by a clock that was ahead."""
    try:
        return abs(time.time() - _marker(layout).stat().st_mtime) > PAUSE
    except FileNotFoundError:
        return True


def swept(layout: Layout) -> None:
    """Note that the store was looked through now. Raises OSError."""
    _marker(layout).touch()


def _marker(layout: Layout) -> Path:
    return layout.root / "swept"
