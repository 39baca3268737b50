"""A repository's own settings neither hide an edit from the planner nor have it run a program."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from planner.local.git_tree import worktree
from tests.local.test_unseen import assert_is_as_on_disk
from tests.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "space")
    space.write({"a.sh": "hello\n", "src/b.txt": "b\n"})
    space.commit()
    return space


def test_a_new_file_whose_name_differs_by_case_alone(space: Workspace) -> None:
    """Git may have been told so on another disk."""
    space.git("config", "core.ignoreCase", "true")
    space.write({"A.sh": "other\n", "SRC/b.txt": "other\n", "src/B.txt": "other\n"})
    assert_is_as_on_disk(space.root)


def test_attributes_whose_patterns_match_without_case(space: Workspace) -> None:
    """The checkout matched them so."""
    space.git("config", "core.ignoreCase", "true")
    space.write({".gitattributes": "*.SH eol=crlf\n", "a.sh": "hello\r\n"})
    space.git("add", "--renormalize", ".")
    space.commit()
    assert space.git("status", "--porcelain") == ""
    assert_is_as_on_disk(space.root)


def test_no_file_system_monitor_is_run_or_believed(space: Workspace, tmp_path: Path) -> None:
    """Whoever wrote the repository's settings may have named any program, which may say that nothing changed."""
    hook, ran = tmp_path / "monitor", tmp_path / "ran"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\nprintf 'token\\0'\n")
    hook.chmod(0o755)
    space.git("config", "core.fsmonitor", os.fspath(hook))
    space.git("status")
    space.git("status")
    ran.unlink()
    space.write({"a.sh": "changed\n"})
    assert_is_as_on_disk(space.root)
    assert worktree(space.root).on_disk() == ["a.sh"]
    assert not ran.exists()
    space.git("status")
    assert ran.exists()


@pytest.mark.parametrize("setting", [("core.trustctime", "false"), ("core.checkStat", "minimal")])
def test_an_edit_of_the_same_size_and_time(space: Workspace, setting: tuple[str, str]) -> None:
    """The time of the change of the file itself tells, which nobody can set."""
    place = space.root / "a.sh"
    space.git("config", *setting)
    os.utime(place, (1_700_000_000, 1_700_000_000))
    space.git("update-index", "--refresh")
    time.sleep(1.1)  # Git counts that time in seconds.
    place.write_text("HELLO\n")
    os.utime(place, (1_700_000_000, 1_700_000_000))
    assert_is_as_on_disk(space.root)
    assert worktree(space.root).on_disk() == ["a.sh"]


@pytest.mark.parametrize("tracked", [True, False])
def test_a_workspace_below_a_folder_of_a_hidden_name(space: Workspace, tracked: bool) -> None:
    folder = space.root / ".planner/ws"
    space.write({".planner/ws/a.txt": "a\n", ".planner/ws/src/b.txt": "b\n", ".planner/ws/.planner/state": "s\n"})
    if tracked:
        space.git("add", "-f", ".planner/ws/a.txt", ".planner/ws/src")
        space.git("commit", "-q", "-m", "state")
    assert_is_as_on_disk(folder)
    space.write({".planner/ws/a.txt": "changed\n", ".planner/ws/new/c.txt": "c\n", ".planner/ws/.planner/more": "m\n"})
    assert_is_as_on_disk(folder)
