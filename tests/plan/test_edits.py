"""One edit at a time on a small family: exactly the right images rebuild, for the right reason."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.plan.edits import ROWS, Row, write_family
from tests.workspace import Workspace


def family_in(folder: Path, *, hidden: bool) -> Workspace:
    workspace = Workspace(folder)
    write_family(folder, hidden=hidden)
    workspace.commit()
    return workspace


@pytest.fixture
def family(tmp_path: Path) -> Workspace:
    return family_in(tmp_path / "family", hidden=False)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_exactly_the_right_images_rebuild(row: Row, tmp_path: Path) -> None:
    workspace = family_in(tmp_path / "family", hidden=row.hidden)
    row.edit(workspace.root)
    found = workspace.rebuilds()
    assert set(found) == row.expected
    if row.code:
        assert any(row.code in codes for codes in found.values()), found


def test_the_same_bytes_have_the_same_keys_everywhere(family: Workspace, tmp_path: Path) -> None:
    """Dirty, staged, committed, a linked worktree in another folder, another umask without git."""
    (family.root / "src/a.c").write_text("int other;\n")
    dirty = family.keys()
    family.git("add", "-A")
    assert family.keys() == dirty
    family.commit()
    assert family.keys() == dirty
    assert family.rebuilds("HEAD") == {}

    family.git("worktree", "add", "-q", "--detach", os.fspath(tmp_path / "linked"))
    assert Workspace(tmp_path / "linked", init=False).keys() == dirty

    plain = tmp_path / "plain"
    shutil.copytree(family.root, plain, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    for path in plain.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o66)
    assert Workspace(plain, init=False).keys() == dirty


def test_narrowing_keeps_the_parents_that_must_be_built(family: Workspace) -> None:
    (family.root / "scripts/setup.sh").write_text("new\n")
    document = family.document("plan", "--since", "HEAD", "tool")
    assert [(image["name"], image["action"]) for image in document["images"]] == [("base", "build"), ("tool", "build")]


def test_the_exit_status_says_whether_anything_rebuilds(family: Workspace) -> None:
    assert family.planner("plan", "--since", "HEAD", "--exit-code").returncode == 0
    (family.root / "docs/index.md").write_text("new\n")
    assert family.planner("plan", "--since", "HEAD", "--exit-code").returncode == 3
