"""A worktree holds the bytes on disk where git status is silent about them, asked once and asked again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest

from planner.local import index_times
from planner.local.disk_tree import DiskTree
from planner.local.git_tree import worktree
from planner.local.index_times import SECOND
from tests.local.test_trees import listed
from tests.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "space")
    space.write({"a.txt": "a\n", "ws/b.txt": "b\n", "ws/deep/model.bin": "large\n", "ws/deep/c.txt": "c\n"})
    space.commit()
    return space


def assert_is_as_on_disk(folder: Path) -> None:
    """What was told the first time is remembered the second."""
    want = list(listed(DiskTree(folder)))
    assert list(listed(worktree(folder))) == want
    assert list(listed(worktree(folder))) == want


def convert(space: Workspace) -> None:
    """Keep pointers in git, as large file storage does, and check texts out with other line ends."""
    space.git("config", "filter.large.clean", "sha1sum")
    space.git("config", "filter.large.smudge", "cat")
    space.write({".gitattributes": "*.bin filter=large\n*.txt eol=crlf\n"})
    checked_out(space)


def checked_out(space: Workspace) -> None:
    space.git("add", "--renormalize", ".")
    space.commit()
    for path in ("ws/b.txt", "ws/deep/c.txt"):
        (space.root / path).unlink()
    space.git("checkout", "--", ".")


@pytest.mark.parametrize("folder", ["ws", "ws/deep"])
def test_attributes_above_the_workspace_convert_its_files(space: Workspace, folder: str) -> None:
    convert(space)
    assert_is_as_on_disk(space.root / folder)


def test_attributes_above_that_only_the_index_holds(space: Workspace) -> None:
    convert(space)
    (space.root / ".gitattributes").unlink()
    assert_is_as_on_disk(space.root / "ws")


def test_attributes_above_that_change_while_the_index_does_not(space: Workspace) -> None:
    space.write({"ws/b.txt": "b\r\n", ".git/info/exclude": ".gitattributes\n"})
    space.commit()
    assert_is_as_on_disk(space.root / "ws")
    space.write({".gitattributes": "*.txt eol=crlf\n"})
    space.git("add", "--renormalize", ".")
    space.git("commit", "-q", "-m", "state")
    assert_is_as_on_disk(space.root / "ws")
    (space.root / ".gitattributes").write_text("*.txt -text\n")
    assert_is_as_on_disk(space.root / "ws")
    (space.root / ".gitattributes").write_text("*.txt eol=crlf\n")
    assert_is_as_on_disk(space.root / "ws")


@pytest.mark.parametrize("folder", ["", "ws"])
def test_attributes_that_git_was_told_to_assume_unchanged(space: Workspace, folder: str) -> None:
    space.write({".gitattributes": "*.md -text\n"})
    space.commit()
    space.git("update-index", "--assume-unchanged", ".gitattributes")
    space.write({"ws/b.txt": "b\r\n"})
    space.git("-c", "core.autocrlf=input", "add", "ws/b.txt")
    assert worktree(space.root / folder).look is not None
    space.write({".gitattributes": "*.txt eol=crlf\n"})
    assert_is_as_on_disk(space.root / folder)


@pytest.mark.parametrize(
    "settings",
    [
        [("core.sparseCheckout", "true"), ("core.sparseCheckout", "false")],
        [("core.sparseCheckout", "true"), ("sparse.expectFilesOutsideOfPatterns", "yes")],
        [("core.sparseCheckout", "true"), ("sparse.expectFilesOutsideOfPatterns", "1")],
        [("core.sparseCheckout", "true"), ("sparse.expectFilesOutsideOfPatterns", None)],
        [("core.sparseCheckout", "true")],
        [("core.sparseCheckout", "on")],
        [("core.sparseCheckout", "false"), ("core.sparseCheckout", "true")],
        [("core.sparseCheckout", None)],
        [("core.sparseCheckout", "true"), ("sparse.expectFilesOutsideOfPatterns", "off")],
    ],
)
def test_a_skipped_file_that_is_there_counts(space: Workspace, settings: list[tuple[str, str | None]]) -> None:
    set_each(space, settings)
    space.git("update-index", "--skip-worktree", "a.txt", "ws/b.txt")
    assert_is_as_on_disk(space.root)
    space.write({"a.txt": "hidden\n"})
    assert_is_as_on_disk(space.root)
    (space.root / "ws/b.txt").unlink()
    want = [path for path, _, _ in listed(worktree(space.root))]
    assert "ws/b.txt" in want, "what is not checked out is as git has it"


def set_each(space: Workspace, settings: list[tuple[str, str | None]]) -> None:
    with (space.root / ".git/config").open("a") as stream:
        for name, value in settings:
            section, key = name.split(".")
            stream.write(f"[{section}]\n\t{key}{'' if value is None else f' = {value}'}\n")


def test_an_old_git_leaves_skipped_files_alone(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 2.36 a sparse checkout does not forget the flag of files that are there: as this setting has it."""
    program = space.root.parent / "bin/git"
    program.parent.mkdir()
    real = shutil.which("git")
    old = 'case "$*" in *" version") echo git version 2.35.1 ;; '
    program.write_text(f'#!/bin/sh\n{old}*) exec {real} -c sparse.expectFilesOutsideOfPatterns=1 "$@" ;; esac\n')
    program.chmod(0o755)
    set_each(space, [("core.sparseCheckout", "true")])
    space.git("update-index", "--skip-worktree", "a.txt")
    assert_is_as_on_disk(space.root)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    space.write({"a.txt": "hidden\n"})
    assert_is_as_on_disk(space.root)


LINE_ENDS: dict[str, Callable[[Workspace], object]] = {
    "text=auto": lambda space: space.write({".gitattributes": "* text=auto\n"}),
    "crlf=auto": lambda space: space.write({".gitattributes": "* crlf=auto\n"}),
    "input": lambda space: space.git("config", "core.autocrlf", "input"),
    "Input": lambda space: space.git("config", "core.autocrlf", "INPUT"),
    "text=auto above": lambda space: space.write({".git/info/attributes": "ws/** text=auto\n"}),
}


def test_a_checkout_that_went_by_other_attributes(space: Workspace) -> None:
    """Git leaves alone what it checked out before."""
    convert(space)
    for path in ("ws/b.txt", "ws/deep/c.txt", "a.txt"):
        os.utime(space.root / path, (1_700_000_000, 1_700_000_000))
    space.git("update-index", "--refresh")
    space.write({".gitattributes": "*.txt -text\n"})
    assert_is_as_on_disk(space.root / "ws")
    space.commit()
    assert space.git("status", "--porcelain") == ""
    assert_is_as_on_disk(space.root / "ws")


@pytest.mark.parametrize("settle", LINE_ENDS.values(), ids=LINE_ENDS)
def test_line_ends_that_git_takes_for_unchanged(space: Workspace, settle: Callable[[Workspace], object]) -> None:
    settle(space)
    space.write({"ws/empty": "", "ws/two.txt": "1\n2\n"})
    space.commit()
    assert_is_as_on_disk(space.root / "ws")
    assert worktree(space.root / "ws").on_disk() == [], "nothing is read from disk as long as line ends are as in git"
    (space.root / "ws/b.txt").write_bytes(b"b\r\n")
    assert_is_as_on_disk(space.root / "ws")
    space.git("add", ".")
    assert "b.txt" not in space.git("status", "--porcelain")
    assert_is_as_on_disk(space.root / "ws")
    assert worktree(space.root / "ws").on_disk() == ["b.txt"]
    (space.root / "ws/b.txt").write_bytes(b"b\n")
    assert_is_as_on_disk(space.root / "ws")


def test_line_ends_that_move_within_a_file(space: Workspace) -> None:
    """Its size says to git that nothing changed, and its bytes do so once their line ends are git's."""
    space.write({".gitattributes": "* text=auto\n", "two.txt": "1\n2\n"})
    space.commit()
    place = space.root / "two.txt"
    place.write_bytes(b"1\r\n2\n")
    space.git("add", "two.txt")
    place.write_bytes(b"1\n2\n")
    assert_is_as_on_disk(space.root)
    place.write_bytes(b"1\n2\r\n")
    assert "two.txt" not in space.git("status", "--porcelain")
    assert_is_as_on_disk(space.root)


def test_an_index_that_was_written_with_an_edit(space: Workspace) -> None:
    """Git forgets the size of what it may have looked at too early, and compares bytes with git's line ends then."""
    space.write({".gitattributes": "* text=auto\n", "two.txt": "1\n2\n"})
    space.commit()
    place = space.root / "two.txt"
    place.write_bytes(b"3\n4\n")
    for moment in range(5):
        space.write({"other.txt": f"{moment}\n"})
        space.git("add", "other.txt")
    assert_is_as_on_disk(space.root)
    place.write_bytes(b"1\r\n2\r\n")
    assert_is_as_on_disk(space.root)


def write_twice_in_one_second(space: Workspace, name: str) -> None:
    """With one size and one time, and `git add` between them."""
    seconds: set[int] = set()
    while len(seconds) != 1:
        time.sleep(max(0.0, 1.02 - time.time() % 1))
        seconds.clear()
        for text in ("one\n", "two\n"):
            space.write({name: text})
            os.utime(space.root / name, (1_600_000_000, 1_600_000_000))
            seconds.add(int((space.root / name).stat().st_ctime))
            if text == "one\n":
                space.git("add", name)


@pytest.mark.parametrize("name", ["two.txt", "ws/a\nb\n  ctime: 1:1\n"])
def test_a_file_that_is_written_twice_in_one_second_with_the_time_that_it_had(
    space: Workspace, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `cp -p` and `tar` do. Git compares seconds, so that its status calls the file unchanged for ever."""
    monkeypatch.setattr(index_times, "SETTLED", 1)
    write_twice_in_one_second(space, name)
    assert_is_as_on_disk(space.root)
    space.git("commit", "-q", "-m", "state")
    assert space.git("status", "--porcelain") == ""
    assert_is_as_on_disk(space.root)
    assert_is_as_on_disk(space.root / "ws")
    time.sleep(2)
    assert_is_as_on_disk(space.root)
    assert worktree(space.root).on_disk() == [name]
    os.utime(space.root / name, (1_600_000_000, 1_600_000_000))
    assert_is_as_on_disk(space.root)


def test_files_with_times_of_their_own_are_looked_at_once(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each index, as soon as the second is over."""
    os.utime(space.root / "a.txt", (1_600_000_000, 1_600_000_000))
    space.git("update-index", "--refresh")
    with mock.patch.object(index_times, "written_again", side_effect=index_times.written_again) as looked:
        assert_is_as_on_disk(space.root)
        assert looked.call_count == 2
        monkeypatch.setattr(index_times, "SETTLED", -1)
        assert_is_as_on_disk(space.root)
        assert worktree(space.root).on_disk() == []
        assert looked.call_count == 3


@pytest.mark.parametrize(
    ("noted", "on_disk", "again"),
    [("7:500", 7_000_000_500, False), ("7:499", 7_000_000_500, True), ("7:0", 7 * SECOND, True)],
)
def test_where_seconds_are_all_that_is_counted(
    noted: str, on_disk: int, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by ext3, or in the index of a git that is built so: a file with two times may have been written again."""
    monkeypatch.setattr(os, "lstat", lambda _: SimpleNamespace(st_ctime_ns=on_disk))
    times = f"file\0  ctime: {noted}\n  mtime: 6:0\n".encode()
    assert index_times.written_again(times, str) == (["file"] * again, True)
