"""A note of whom a builder served is waited for while another planner writes it, and not for ever."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from planner.build import bound
from planner.build.bound import bind
from planner.errors import StateError


def test_a_note_that_somebody_holds_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bind(tmp_path, "docker", "main", "trusted")
    (note,) = tmp_path.iterdir()
    monkeypatch.setattr(bound, "WAIT", 0.3)
    with open(note, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StateError, match="whom the builder served cannot be known"):
            bind(tmp_path, "docker", "main", "trusted")
        monkeypatch.setattr(bound, "WAIT", 30.0)
        threading.Timer(0.3, fcntl.flock, (held, fcntl.LOCK_UN)).start()
        bind(tmp_path, "docker", "main", "trusted")
