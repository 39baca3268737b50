"""Submodules count by what is checked out, at a revision as on disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.local.disk_tree import DiskTree
from planner.local.git_tree import worktree
from planner.local.history import History
from planner.local.revisions import revision_tree
from planner.ports import MODE_FILE
from tests.local.test_trees import listed
from tests.workspace import Workspace

GRAPH = "version: 1\nimages:\n  one: {context: app}\n"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    """A workspace with a submodule, which has a submodule of its own."""
    inner = Workspace(tmp_path / "inner")
    inner.write({"deep.txt": "1\n"})
    inner.commit()
    lib = Workspace(tmp_path / "lib")
    lib.write({"lib.txt": "1\n"})
    _add(lib, inner, "inner")
    lib.commit()
    space = Workspace(tmp_path / "space")
    space.write({"images.yaml": GRAPH, "app/Dockerfile": "FROM ubuntu:22.04\nCOPY . /x\n", "app/z.txt": "z\n"})
    _add(space, lib, "app/third party/lib")
    space.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive")
    space.commit()
    return space


def _add(space: Workspace, other: Workspace, path: str) -> None:
    space.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", f"{other.root}", path)


def _submodule(space: Workspace) -> Workspace:
    return Workspace(space.root / "app/third party/lib", init=False)


def test_worktree_revision_and_folder_agree(space: Workspace) -> None:
    want = list(listed(DiskTree(space.root)))
    assert ("app/third party/lib/inner/deep.txt") in [path for path, _, _ in want]
    assert list(listed(revision_tree(space.root, "HEAD"))) == want
    assert list(listed(worktree(space.root))) == want
    assert space.rebuilds() == {}
    assert space.planner("affected", "--since", "HEAD").stdout == "0 of 1 image is affected\n"
    tree = revision_tree(space.root, "HEAD")
    assert tree.read("app/third party/lib/inner/deep.txt", 100) == b"1\n"
    assert tree.open("app/third party/lib/lib.txt").read() == b"1\n"


def test_a_workspace_below_the_repository(space: Workspace) -> None:
    folder = space.root / "app"
    want = list(listed(DiskTree(folder)))
    assert list(listed(revision_tree(folder, "HEAD"))) == want
    assert list(listed(worktree(folder))) == want


def test_another_commit_counts_and_so_does_an_edit(space: Workspace) -> None:
    lib = _submodule(space)
    lib.write({"lib.txt": "2\n"})
    assert space.rebuilds() == {"one": {"file-changed"}}
    lib.commit()
    assert space.rebuilds() == {"one": {"file-changed"}}
    space.commit()
    assert space.rebuilds() == {}
    assert space.rebuilds("HEAD~1") == {"one": {"file-changed"}}
    lib.git("checkout", "-q", "HEAD~1")
    lib.git("submodule", "-q", "update")
    assert space.rebuilds("HEAD~1") == {}


def test_one_that_is_not_checked_out_is_not_there(space: Workspace) -> None:
    space.git("submodule", "-q", "deinit", "-f", "--all")
    want = list(listed(DiskTree(space.root)))
    assert not any("third party" in path for path, _, _ in want)
    assert list(listed(revision_tree(space.root, "HEAD"))) == want
    assert space.rebuilds() == {}


def test_a_commit_that_is_not_fetched_rebuilds(space: Workspace, tmp_path: Path) -> None:
    lib = _submodule(space)
    lib.write({"lib.txt": "2\n"})
    lib.commit()
    space.commit()
    other = Workspace(tmp_path / "lib")  # It has the first commit only.
    shutil.rmtree(lib.root)
    other.git("clone", "-q", "--no-local", f"{other.root}", f"{lib.root}")
    found = revision_tree(space.root, "HEAD").entry("app/third party/lib")
    assert found is not None
    assert found.mode == MODE_FILE
    assert set(space.rebuilds()) == {"one"}


def test_without_a_checkout_it_counts_by_its_commit(space: Workspace) -> None:
    """As `planner replay` walks, which has nothing but the objects."""
    history = History(space.root)
    before = history.tree(history.commits("HEAD", first_parent=True)[-1]).entry("app")
    lib = _submodule(space)
    lib.write({"lib.txt": "2\n"})
    lib.commit()
    space.commit()
    after = history.tree(history.commits("HEAD", first_parent=True)[-1]).entry("app")
    assert before != after


def test_what_gitmodules_says_leads_nowhere_else(space: Workspace) -> None:
    """Only a path at which git keeps a submodule is one."""
    hostile = '[submodule "a"]\n\tpath = ../../outside\n[submodule "b"]\n\tpath = app/z.txt\n'
    (space.root / ".gitmodules").write_text(hostile)
    space.git("commit", "-q", "-am", "hostile")
    found = revision_tree(space.root, "HEAD").entry("app/z.txt")
    assert found is not None
    assert found.mode == MODE_FILE
    assert list(listed(revision_tree(space.root, "HEAD")))


@pytest.mark.parametrize("recursive", [True, False])
def test_what_is_remembered_knows_what_was_checked_out(space: Workspace, recursive: bool) -> None:
    """Facts from before a submodule was checked out are no facts of the revision as it is now."""
    if recursive:
        space.git("submodule", "-q", "deinit", "-f", "--all")
    else:
        _submodule(space).git("submodule", "-q", "deinit", "-f", "--all")
    assert space.rebuilds() == {}
    without = space.keys()
    space.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive")
    assert space.rebuilds() == {}
    assert space.keys() != without
    _submodule(space).git("submodule", "-q", "deinit", "-f", "--all")
    assert space.rebuilds() == {}
    assert recursive or space.keys() == without
    space.git("submodule", "-q", "deinit", "-f", "--all")
    assert space.rebuilds() == {}
    assert not recursive or space.keys() == without


def test_pins_are_looked_for_beside_a_submodule(space: Workspace) -> None:
    run = space.planner("pin")
    assert (run.returncode, run.stdout, run.stderr) == (0, "0 of 0 pins stale, in 0 files\n", "")


def test_a_context_that_is_a_repository_which_gitmodules_does_not_name(tmp_path: Path) -> None:
    """A repository in a repository, added by mistake: the index names it, and where that is not asked nobody does."""
    space = Workspace(tmp_path)
    space.write({"images.yaml": "version: 1\nimages:\n  one: {context: app, dockerfile: ../Dockerfile}\n"})
    space.write({"Dockerfile": "FROM scratch\nCOPY a /\n"})
    app = Workspace(space.root / "app")
    app.write({"a": "a\n"})
    app.commit()
    space.commit()
    assert space.git("ls-files", "-s", "app").startswith("160000 ")
    assert list(listed(worktree(space.root))) == list(listed(DiskTree(space.root)))
    assert space.rebuilds() == {}
    assert space.rebuilds() == {}  # It is remembered.
    app.write({"a": "b\n"})
    assert space.rebuilds() == {"one": {"file-changed"}}
    app.commit()
    assert space.rebuilds() == {"one": {"file-changed"}}
    space.commit()
    assert space.rebuilds() == {}
    assert space.rebuilds("HEAD~1") == {"one": {"file-changed"}}
    space.git("rm", "-q", "--cached", "app")
    assert space.rebuilds() == {"one": {"file-added"}}
    space.git("reset", "-q")
    with pytest.raises(InputError, match="is a commit of another repository"):
        revision_tree(space.root, "HEAD").open("app")


def test_a_repository_that_gitmodules_does_not_name_is_not_there_in_a_clone(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "space")
    space.write({"ws/images.yaml": "version: 1\nimages:\n  one: {}\n", "ws/Dockerfile": "FROM scratch\nCOPY . /\n"})
    Workspace(space.root / "ws/app").git("commit", "-q", "--allow-empty", "-m", "state")
    space.commit()
    space.git("clone", "-q", f"{space.root}", f"{tmp_path / 'clone'}")
    clone = Workspace(tmp_path / "clone/ws", init=False)
    assert clone.rebuilds() == {}
    assert clone.planner("affected", "--since", "HEAD").stdout == "0 of 1 image is affected\n"
    clone.write({"app/file": "1\n"})
    assert clone.rebuilds() == {"one": {"file-added"}}


@pytest.mark.parametrize("target", ["lib", "elsewhere", "../outside"])
def test_a_link_in_the_place_of_the_folder_above(tmp_path: Path, target: str) -> None:
    """Git still names the submodule, and nothing of a tree lies below a link."""
    other = Workspace(tmp_path / "other")
    other.write({"Dockerfile": "FROM scratch\nCOPY a* /\n"})
    other.commit()
    space = Workspace(tmp_path / "space")
    space.write({"Dockerfile": "FROM scratch\nCOPY a* /\n", "a": "a\n"})
    _add(space, other, "lib/sub")
    space.commit()
    assert space.rebuilds() == {}  # It is remembered.
    shutil.copytree(space.root / "lib", space.root / "elsewhere")
    shutil.copytree(space.root / "lib", tmp_path / "outside")
    shutil.rmtree(space.root / "lib")
    (space.root / "lib").symlink_to(target)
    names = ["root", "sub"]
    assert sorted(space.keys()) == names
    run = space.planner("plan", "--since", "HEAD", "--format", "json")
    assert run.returncode == 0, run.stderr
    assert sorted(image["name"] for image in json.loads(run.stdout)["images"]) == names
