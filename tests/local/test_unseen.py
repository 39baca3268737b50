"""A worktree holds the bytes on disk where git status is silent about them, asked once and asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.local.disk_tree import DiskTree
from planner.local.git_tree import worktree
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
