"""Binds a builder, or a state folder, to one scope of trust, and refuses to let another one use it.

Layers, cache mounts, images and registry tokens that one build leaves in a builder reach the next one. What a builder
served stands in a note of the machine's user, beside all workspaces; a builder that is thrown away needs none.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from planner.errors import BuilderError, StateError

MAX_NOTE = 1 << 20
WAIT = 30.0
"""Seconds for which another planner may hold a note, which takes it a moment."""
POLL = 0.1
FOLDER = "PLANNER_BUILDERS"
"""The variable that names another folder for notes."""


def notes_folder(environment: Mapping[str, str]) -> Path:
    """Where notes are kept: `$PLANNER_BUILDERS`, else in the user's state folder (XDG Base Directory)."""
    if environment.get(FOLDER):
        return Path(environment[FOLDER])
    state = environment.get("XDG_STATE_HOME") or os.fspath(Path(environment.get("HOME") or "/", ".local/state"))
    return Path(state) / "planner" / "builders"


def bind(folder: Path, builder: str, scope: str, level: str) -> None:
    """Note that a builder serves this scope at this level. Raises BuilderError where it served another one before.

    Raises StateError where the note cannot be read or written: then nobody knows whom the builder served.
    """
    path = folder / f"{hashlib.sha256(builder.encode()).hexdigest()[:32]}.json"
    wanted = {"builder": builder, "scope": scope, "level": level}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b") as stream:
            _lock(stream.fileno())
            stream.seek(0)
            data = stream.read(MAX_NOTE)
            if data:
                _refuse_another(data, wanted, path)
                return
            stream.write(json.dumps({"version": 1, **wanted}).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}: whom the builder served cannot be known") from error


def _lock(handle: int) -> None:
    """Hold a note. Raises OSError, also where somebody holds it for too long: a process that is stopped, say."""
    enough = time.monotonic() + WAIT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= enough:
                raise OSError(errno.EWOULDBLOCK, f"another process holds it for {WAIT:.0f} s") from None
            time.sleep(POLL)
        else:
            return


def _refuse_another(data: bytes, wanted: Mapping[str, str], path: Path) -> None:
    served: object = None
    with contextlib.suppress(ValueError, RecursionError):
        served = json.loads(data)
    if not isinstance(served, dict):
        raise StateError(f"{path}: is no note of a builder: remove it together with the builder")
    if all(served.get(name) == value for name, value in wanted.items()):
        return
    raise BuilderError(
        f"refused: {wanted['builder']} served scope {served.get('scope')} (level {served.get('level')}), "
        f"so it does not serve {wanted['scope']} (level {wanted['level']}): "
        "what the one left there would reach the other\n"
        f"  use one for each scope, or one that is thrown away; once it is made anew, remove {path}"
    )
