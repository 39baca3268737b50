"""Notes which builders take no new builds, and refuses them. The notes stand beside those of whom a builder served."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from planner.build.bound import notes_folder
from planner.errors import BuilderError, StateError


def _note(environment: Mapping[str, str], builder: str) -> Path:
    digest = hashlib.sha256(builder.encode()).hexdigest()[:32]
    return notes_folder(environment) / f"{digest}.drained.json"


def drain(environment: Mapping[str, str], builder: str) -> None:
    """Let a builder (as `--builder` takes it, by its address) have no new builds. Raises StateError."""
    path = _note(environment, builder)
    text = json.dumps({"version": 1, "builder": builder, "since": time.strftime("%Y-%m-%d %H:%M:%S")})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent)
        with open(handle, "w") as stream:
            stream.write(text)
        Path(part).replace(path)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}: the builder is not drained") from error


def fill(environment: Mapping[str, str], builder: str) -> None:
    """Let a builder have builds again. Raises StateError."""
    path = _note(environment, builder)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}: the builder stays drained") from error


def since(environment: Mapping[str, str], builder: str) -> str:
    """Since when a builder is drained, "" where it is not. A note that cannot be read drains all the same.

    In a folder that is none, or somebody else's, this user has made no notes: HOME may be wrong.
    """
    path = _note(environment, builder)
    try:
        with open(path, "rb") as stream:
            data = stream.read(1 << 16)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError:
        return "an unknown time" if os.access(path.parent, os.X_OK) else ""
    with contextlib.suppress(ValueError, RecursionError):
        note = json.loads(data)
        if isinstance(note, dict) and isinstance(note.get("since"), str) and note["since"].isprintable():
            return str(note["since"])
    return "an unknown time"


def refuse_drained(environment: Mapping[str, str], builder: str) -> None:
    """Raise BuilderError for a builder that takes no new builds."""
    if told := since(environment, builder):
        raise BuilderError(f"{builder} is drained since {told}\n  planner pool drain NAME --undo lets it build again")
