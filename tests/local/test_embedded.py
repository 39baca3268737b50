"""Files of a repository that make another repository of a folder have git run no program that they name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planner.local import git_dir
from tests.workspace import Workspace

CONFIG = """\
[core]
 repositoryformatversion = 0
 bare = false
 worktree = .
[filter "x"]
 clean = "touch {}; cat"
"""


def planted(root: Path, mark: Path) -> Workspace:
    """A clone whose folder `images` is a git repository as well, by files that were committed."""
    space, evil = Workspace(root / "theirs"), Workspace(root / "theirs/images")
    evil.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\nCOPY f /\n", "f": "f\n"})
    evil.git("add", ".")
    evil.write({".gitattributes": "f filter=x\n", ".git/config": CONFIG.format(mark), ".git/refs/heads/.keep": ""})
    for file in (evil.root / ".git").iterdir():
        file.rename(evil.root / file.name)
    (evil.root / ".git").rmdir()
    space.commit()
    Workspace(root, init=False).git("clone", "-q", str(space.root), "clone")
    return Workspace(root / "clone", init=False)


@pytest.mark.parametrize("command", [("plan",), ("plan", "--since", "HEAD"), ("doctor",), ("key",), ("replay", "HEAD")])
def test_no_program_of_it_is_run(tmp_path: Path, command: tuple[str, ...]) -> None:
    mark = tmp_path / "mark"
    clone = planted(tmp_path, mark)
    os.utime(clone.root / "images/f")
    run = Workspace(clone.root / "images", init=False).planner(*command)
    assert not mark.exists()
    assert "Traceback" not in run.stderr
    assert "its files make a git repository" in run.stdout + run.stderr
    assert run.returncode == (0 if command in (("plan",), ("key",)) else 1)


def test_its_keys_are_those_of_its_files(tmp_path: Path) -> None:
    clone = planted(tmp_path, tmp_path / "mark")
    images = Workspace(clone.root / "images", init=False)
    before = images.keys()
    (images.root / "HEAD").unlink()
    assert images.keys() == before


def test_what_is_one(tmp_path: Path) -> None:
    top = Workspace(tmp_path / "top")
    assert git_dir.embedded(str(top.root)) == ""
    bare = tmp_path / "bare"
    top.git("init", "-q", "--bare", str(bare))
    assert git_dir.embedded(str(bare)) == "", "one that somebody made, in no other one"
    top.write({"a/HEAD": "", "a/objects/x": "", "a/b/c": "", "d/HEAD": "", "d/commondir": ".."})
    assert git_dir.embedded(str(top.root / "a/b")) == ""
    top.write({"a/refs/x": ""})
    assert git_dir.embedded(str(top.root / "a/b")) == str(top.root / "a")
    assert git_dir.embedded(str(top.root / "d")) == str(top.root / "d")
    Workspace(top.root / "a/b")
    assert git_dir.embedded(str(top.root / "a/b")) == "", "a repository with a folder of its own comes first"
