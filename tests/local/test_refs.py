"""The refs and pins that keep images alive, read from real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import GitError
from planner.local.refs import commits_of, digests_in, history_of
from tests.workspace import Workspace


def pin(number: int) -> str:
    return f"sha256:{number:064x}"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "repository")
    made.write({"images/images.yaml": "version: 1\n"})
    made.commit()
    return made


def pinned(space: Workspace, folder: str) -> set[str]:
    return set(digests_in(space.root / folder, {space.git("rev-parse", "HEAD").strip(): "main"}))


def test_pins_are_read_in_the_whole_repository_from_any_folder_of_it(space: Workspace) -> None:
    space.write({"deploy/app.yaml": f"image: x@{pin(1)}\n", "images/Dockerfile": f"FROM x@{pin(2)}\n"})
    space.commit()
    commit = space.git("rev-parse", "HEAD").strip()
    for folder in ("", "images", "deploy"):
        found = digests_in(space.root / folder, {commit: "main"})
        assert found == {pin(1): "deploy/app.yaml at main", pin(2): "images/Dockerfile at main"}


def test_pins_count_in_files_whose_attributes_call_them_binary(space: Workspace) -> None:
    space.write(
        {
            ".gitattributes": "*.yaml -diff\n*.lock binary\n",
            "deploy.yaml": f"image: x@{pin(1)}\n",
            "deploy.lock": f"{pin(2)}\n",
            "bundle": f"\0{pin(3)}\0",
        }
    )
    space.commit()
    assert pinned(space, ".") == {pin(1), pin(2), pin(3)}


def test_a_tag_of_a_tag_counts_by_its_commit(space: Workspace) -> None:
    space.git("tag", "-a", "inner", "-m", "x")
    space.git("tag", "-a", "outer", "-m", "x", "inner")
    released = space.git("rev-parse", "HEAD").strip()
    space.git("tag", "-d", "inner")
    space.write({"a": "later\n"})
    space.commit()
    assert commits_of(space.root, ["outer"]) == {released: "outer"}
    assert released in commits_of(space.root, ["*"])


def test_globs_leave_refs_out(space: Workspace) -> None:
    commits = {}
    for name in ("release/1", "release/2", "gh-pages"):
        space.write({"a": f"{name}\n"})
        space.commit()
        space.git("branch", name)
        commits[space.git("rev-parse", "HEAD").strip()] = name
    space.git("checkout", "-q", "--detach")
    space.git("branch", "-D", "main")
    assert commits_of(space.root, []) == commits
    assert set(commits_of(space.root, ["!gh-*", "!none"]).values()) == {"release/1", "release/2"}
    assert set(commits_of(space.root, ["release/*", "!release/1"]).values()) == {"release/2"}
    assert list(history_of(space.root, "HEAD", 2).values()) == ["HEAD", "HEAD~1"]
    with pytest.raises(GitError, match='no branch or tag matches "none"'):
        commits_of(space.root, ["none"])


def test_tags_of_files_and_folders_are_no_commits(space: Workspace) -> None:
    space.git("tag", "-a", "file", "-m", "x", "HEAD:images/images.yaml")
    space.git("tag", "-a", "around", "-m", "x", "file")
    space.git("tag", "folder", "HEAD^{tree}")
    assert list(commits_of(space.root, ["*"]).values()) == ["main"]
    with pytest.raises(GitError, match="no branch or tag matches"):
        commits_of(space.root, ["around"])
