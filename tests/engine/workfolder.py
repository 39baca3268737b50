"""A temporary folder that is removed with whatever is still mounted in it, if not by its owner then by the next one.

The owner holds a lock for as long as it lives; a folder whose lock can be taken belongs to nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "planner-engine-"
UNMOUNT_SECONDS = 30.0
YOUNG = 60.0  # seconds: its owner may not hold the lock yet, or its servers may still be going down


@contextmanager
def work_folder() -> Iterator[Path]:
    remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            remove(folder)


def remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if time.time() - (folder / "lock").stat().st_mtime < YOUNG:
                continue
            with open(folder / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
        except OSError:  # held by its owner, or somebody else's, or removed meanwhile
            continue


def remove(folder: Path) -> None:
    for mount in reversed(_mounts_under(folder)):
        with contextlib.suppress(subprocess.TimeoutExpired):  # The next one tries it again.
            subprocess.run(["umount", "--lazy", mount], timeout=UNMOUNT_SECONDS, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _mounts_under(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_bytes().splitlines()
    places = [line.split(b" ")[1].decode("unicode_escape") for line in lines]
    return [place for place in places if place.startswith(os.fspath(folder) + "/")]
