"""A state is written the same way each time, times too: layers of files from a named context hold them."""

from __future__ import annotations

from pathlib import Path

from tests.oracle.builds.family import TIME, State
from tests.oracle.case import LINK, File


def test_everything_that_is_written_has_one_time(tmp_path: Path) -> None:
    files = {"ctx/lib/a": File("1"), "ctx/to-folder": File(".", LINK), "ctx/to-file": File("lib/a", LINK)}
    State(files=files, members=()).write(tmp_path / "state")
    times = {path.name: path.lstat().st_mtime for path in (tmp_path / "state").rglob("*")}
    assert set(times.values()) == {TIME}, times
