"""A worktree, a revision and a plain folder give the ids that git gives."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import GitError, InputError
from planner.local import objects as objects_module
from planner.local.disk_tree import DiskTree
from planner.local.git_tree import worktree
from planner.local.objects import LONG, Objects
from planner.local.revisions import revision_tree
from planner.ports import MODE_FOLDER, Tree
from tests.workspace import Workspace


def listed(tree: Tree, folder: str = "") -> Iterator[tuple[str, int, str]]:
    for entry in tree.entries(folder):
        path = f"{folder}/{entry.name}" if folder else entry.name
        yield path, entry.mode, entry.oid
        if entry.mode == MODE_FOLDER:
            yield from listed(tree, path)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "space")
    space.write({"a.txt": "a\n", "src/b.txt": "b\n", "src/deep/c.txt": "c\n", "src.txt": "x\n", "quo'te\nline": "q\n"})
    (space.root / "link").symlink_to("src/b.txt")
    (space.root / "src/deep/c.txt").chmod(0o755)
    (space.root / os.fsdecode(b"not-utf8-\xff")).write_text("n\n")
    space.commit()
    return space


def test_clean_dirty_revision_and_folder_agree(space: Workspace) -> None:
    want = list(listed(revision_tree(space.root, "HEAD")))
    assert list(listed(worktree(space.root))) == want
    assert list(listed(DiskTree(space.root))) == want


def test_ids_are_those_of_git(space: Workspace) -> None:
    tree = worktree(space.root)
    assert tree.tree_id(tree.entries("")) == space.git("rev-parse", "HEAD^{tree}").strip()
    space.write({"src/deep/new.txt": "new\n", "other/x": "x\n"})
    tree = worktree(space.root)
    ids = tree.tree_id(tree.entries(""))
    space.git("add", "-A")
    assert ids == space.git("write-tree").strip()


def test_a_clean_file_is_never_read(space: Workspace) -> None:
    tree = worktree(space.root)
    (space.root / "src/b.txt").write_text("changed after the tree was opened\n")
    assert tree.read("src/b.txt", 100) == b"b\n"


def test_what_is_on_disk_counts_not_what_is_staged(space: Workspace) -> None:
    space.write({"a.txt": "staged\n"})
    space.git("add", "a.txt")
    space.write({"a.txt": "on disk\n"})
    assert worktree(space.root).read("a.txt", 100) == b"on disk\n"


def test_an_untracked_cache_changes_no_answer(space: Workspace) -> None:
    space.git("config", "core.untrackedCache", "true")
    space.git("update-index", "--untracked-cache")
    space.write({".gitignore": "*.o\n", "src/new": "n\n", "src/deep/x.o": "o\n"})
    space.git("status")
    space.write({"src/deep/y.o": "o\n", "src/other": "n\n"})
    assert worktree(space.root).on_disk() == [".gitignore", "src/deep/x.o", "src/deep/y.o", "src/new", "src/other"]


def test_removed_ignored_and_untracked(space: Workspace) -> None:
    space.write({".gitignore": "out\n", "out/log": "l\n", "new": "n\n"})
    (space.root / "a.txt").unlink()
    names = [entry.name for entry in worktree(space.root).entries("")]
    assert "a.txt" not in names
    assert {"out", "new"} <= set(names)


def test_a_file_assumed_unchanged_is_read_from_disk(space: Workspace) -> None:
    space.git("update-index", "--assume-unchanged", "a.txt")
    space.write({"a.txt": "hidden\n"})
    assert worktree(space.root).read("a.txt", 100) == b"hidden\n"


def test_bytes_on_disk_count_where_the_checkout_converts(space: Workspace) -> None:
    space.write({".gitattributes": "*.txt eol=crlf\n"})
    space.commit()
    (space.root / "a.txt").unlink()
    space.git("checkout", "a.txt")
    assert worktree(space.root).read("a.txt", 100) == b"a\r\n"


def test_a_workspace_below_the_repository_sees_its_own_files_only(space: Workspace) -> None:
    space.write({"src/b.txt": "changed\n", "a.txt": "outside\n"})
    tree = worktree(space.root / "src")
    assert [entry.name for entry in tree.entries("")] == ["b.txt", "deep"]
    assert tree.read("b.txt", 100) == b"changed\n"


def test_hidden_folders_empty_folders_and_pipes_are_no_part(space: Workspace) -> None:
    space.write({".planner/x": "x\n", "nested/.git/config": "c\n", "nested/file": "f\n"})
    (space.root / "empty/inside").mkdir(parents=True)
    os.mkfifo(space.root / "pipe")
    tree = worktree(space.root)
    names = [entry.name for entry in tree.entries("")]
    assert not {".git", ".planner", "empty", "pipe"} & set(names)
    assert [entry.name for entry in tree.entries("nested")] == ["file"]


def test_links_are_never_followed(space: Workspace) -> None:
    (space.root / "up").symlink_to("..")
    tree = worktree(space.root)
    assert tree.entry("up/space/a.txt") is None
    with pytest.raises(InputError):
        tree.open("up/space/a.txt")


def test_sha256_repositories(tmp_path: Path) -> None:
    root = tmp_path / "sha256"
    root.mkdir()
    space = Workspace(root, init=False)
    space.git("init", "-q", "--object-format=sha256", ".")
    space.write({"a/b": "b\n"})
    space.commit()
    assert list(listed(worktree(root))) == list(listed(revision_tree(root, "HEAD")))
    space.write({"a/c": "c\n"})
    assert worktree(root).entry("a/c") == DiskTree(root, "sha256").entry("a/c")


def test_a_shallow_clone_says_what_to_do(space: Workspace, tmp_path: Path) -> None:
    space.write({"a.txt": "2\n"})
    space.commit()
    space.git("clone", "-q", "--depth=1", f"file://{space.root}", os.fspath(tmp_path / "shallow"))
    with pytest.raises(GitError, match="fetch-depth: 0"):
        revision_tree(tmp_path / "shallow", "HEAD~1")


def test_listing_ahead_says_what_listing_says(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "space")
    space.write({"a/b/c": "c\n", "a/d": "d\n", "e/f": "f\n", "top": "t\n"})
    space.commit()
    paths = ["a/b/c", "e/new/x", "top", "nowhere/y", "top/z"]
    ahead, plain = revision_tree(space.root, "HEAD"), revision_tree(space.root, "HEAD")
    ahead.list_ahead(paths)
    with mock.patch.object(Objects, "read", side_effect=AssertionError("asked git alone")):
        assert [entry.name for entry in ahead.entries("a/b")] == ["c"]
        assert [entry.name for entry in ahead.entries("e")] == ["f"]
    for folder in ("", "a", "a/b", "e", "e/new", "nowhere", "top"):
        assert ahead.entries(folder) == plain.entries(folder)


def test_what_cannot_be_listed_ahead_disturbs_no_other_answer(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "space")
    space.write({"a/b": "b\n"})
    space.commit()
    blob, tree = space.git("rev-parse", "HEAD:a/b").strip(), space.git("rev-parse", "HEAD:a").strip()
    objects = Objects(space.root)
    objects.list_ahead(["0" * 40, blob, tree])
    assert [entry.name for entry in objects.listing(tree).entries] == ["b"]
    with pytest.raises(GitError):
        objects.listing(blob)
    assert objects.read(blob, "blob", 10) == b"b\n"


def test_reading_ahead_says_what_reading_says(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "space")
    space.write({"a/b": "b\n", "c": "", "long": "x" * (LONG + 1), "edited": "e\n"})
    space.commit()
    space.write({"edited": "by hand\n"})
    tree = worktree(space.root)
    tree.read_ahead(["a/b", "c", "long", "edited", "a", "nowhere"])
    assert [tree.read(path, 1 << 20) for path in ("long", "edited")] == [b"x" * (LONG + 1), b"by hand\n"]
    with mock.patch.object(Objects, "_running", side_effect=AssertionError("asked git alone")):
        assert [tree.read(path, 1 << 20) for path in ("a/b", "c")] == [b"b\n", b""]
        with pytest.raises(InputError):
            tree.read("a/b", 1)


def test_what_is_read_ahead_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_module, "MOST_AHEAD", 5)
    space = Workspace(tmp_path / "space")
    space.write({"a": "aaa\n", "b": "bbb\n"})
    space.commit()
    oids = [space.git("rev-parse", f"HEAD:{name}").strip() for name in "ab"]
    objects = Objects(space.root)
    objects.read_ahead(oids)
    objects.read_ahead(oids)
    asked = []
    running = objects._running
    monkeypatch.setattr(objects, "_running", lambda: asked.append(1) or running())
    assert [objects.read(oid, "blob", 10) for oid in oids] == [b"aaa\n", b"bbb\n"]
    assert len(asked) == 1, "one was kept, the other is read when it is asked for"


def test_gits_that_nobody_talks_to_any_more_do_not_pile_up(space: Workspace) -> None:
    """`planner watch` looks again and again in one process."""
    for _ in range(20):
        assert list(revision_tree(space.root, "HEAD").entries("src"))
    assert len(children_that_ended()) <= 2


def children_that_ended() -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent, *_ = place.read_text().rpartition(") ")[2].split(" ")
            if state == "Z" and int(parent) == os.getpid():
                found.append(place.parent.name)
    return found


def test_a_change_deep_down_is_no_deep_call(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "space")
    deep = "/".join("d" * 600)
    space.write({f"{deep}/file": "1\n"})
    space.commit()
    space.write({f"{deep}/file": "22\n"})
    tree = worktree(space.root)
    ids = tree.tree_id(tree.entries(""))
    space.commit()
    assert ids == space.git("rev-parse", "HEAD^{tree}").strip()


QUESTIONS = st.lists(
    st.tuples(
        st.sampled_from(["entry", "id", "entries", "ids", "told", "read", "paths"]),
        st.sampled_from(["", "a", "d", "d/a", "d/e", "d/e/b", "d/none", "none", "none/x", "a/x", "link", "empty"]),
    ),
    max_size=8,
)


def question(tree: DiskTree, kind: str, path: str) -> None:
    if kind == "told":
        tree.told(path)
    elif kind == "read":
        with contextlib.suppress(InputError):
            tree.read(path, 100)
    elif kind == "paths":
        list(tree.paths(path, lambda name: name == "e"))
    elif kind in ("entry", "id"):
        found = tree.entry(path)
        if kind == "id" and found is not None:
            assert found.oid
    else:
        for entry in tree.entries(path):
            assert kind == "entries" or entry.oid


@settings(max_examples=200, deadline=None)
@given(QUESTIONS, QUESTIONS)
def test_a_tree_that_was_asked_before_tells_what_it_is_asked_now(
    before: list[tuple[str, str]], now: list[tuple[str, str]]
) -> None:
    """A remembered answer must hold no less than what decided it, and need hold no more."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "d/e").mkdir(parents=True)
        (root / "empty").mkdir()
        for name in ("a", "d/a", "d/e/b"):
            (root / name).write_text(name)
        (root / "link").symlink_to("d")
        used, new = DiskTree(place), DiskTree(place)
        for one in before:
            question(used, *one)
        used.forget_questions()
        for one in now:
            question(used, *one)
            question(new, *one)
        assert used.asked() == new.asked()
