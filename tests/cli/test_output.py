"""What is asked to be written to a device, a pipe or a link is written to it; only a regular file is replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from planner.cli.output import check, standing, write
from planner.errors import OutputError
from tests.workspace import Workspace


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    device = tmp_path / "null"
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    write("text", os.fspath(device))
    assert stat.S_ISCHR(device.lstat().st_mode)
    space = Workspace(tmp_path / "family")
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\n"})
    space.commit()
    for words in (("plan", "--out"), ("graph", "--format", "svg", "-o"), ("replay", "HEAD", "--format", "svg", "-o")):
        run = space.planner(*words, os.fspath(device))
        assert stat.S_ISCHR(device.lstat().st_mode), (words, run.stderr)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write("new", os.fspath(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new\n"


@pytest.mark.parametrize("before", [None, "old"])
def test_a_regular_file_is_replaced_whole(tmp_path: Path, before: str | None) -> None:
    if before is not None:
        (tmp_path / "file").write_text(before)
        (tmp_path / "file").chmod(0o640)
    write("new", os.fspath(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "new\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
    if before is not None:
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_what_stands_where_a_file_would_be_written(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("text\n")
    assert standing(os.fspath(tmp_path / "there")) == "text"
    assert [standing(os.fspath(tmp_path / gone)) for gone in ("gone", "there/below")] == ["", ""]
    with pytest.raises(OutputError, match="cannot be read: Is a directory"):
        standing(os.fspath(tmp_path))


def test_a_file_is_compared_with_what_would_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "there"
    place.write_text("text\n")
    assert (check("text", os.fspath(place)), check("other", os.fspath(place))) == (0, 3)
    assert capsys.readouterr().out == f"{place}: is as it is written now\n{place}: is stale\n"
