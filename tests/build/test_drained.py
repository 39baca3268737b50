"""Who has no folder of notes has drained nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planner.build.drained import drain, since

NOBODY = 65534
ADDRESS = "buildkit:tcp://127.0.0.1:1"


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert since({"HOME": os.fspath(tmp_path / "file")}, ADDRESS) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_a_home_that_is_somebody_elses(tmp_path: Path) -> None:
    """As in a container that runs under any user id, with HOME=/root."""
    home = {"HOME": os.fspath(tmp_path)}
    drain(home, ADDRESS)
    assert since(home, ADDRESS)
    tmp_path.chmod(0o700)
    child = os.fork()
    if not child:
        os.setuid(NOBODY)
        os._exit(since(home, ADDRESS) != "")
    assert os.waitpid(child, 0)[1] == 0


def test_a_note_that_cannot_be_read_drains(tmp_path: Path) -> None:
    notes = {"PLANNER_BUILDERS": os.fspath(tmp_path)}
    drain(notes, ADDRESS)
    (note,) = tmp_path.iterdir()
    note.unlink()
    note.mkdir()
    assert since(notes, ADDRESS) == "an unknown time"
