"""A repository's own settings neither hide an edit from the planner nor have it run a program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner.local.disk_tree import DiskTree
from planner.local.git_tree import worktree
from tests.local.test_trees import listed
from tests.local.test_unseen import assert_is_as_on_disk
from tests.workspace import IDENTITY, Workspace


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


@pytest.mark.parametrize("name", ["GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"])
def test_variables_that_say_what_a_path_is(space: Workspace, name: str) -> None:
    """Ours are names of files, and git refuses to be told two things."""
    space.write({"a.sh": "changed\n"})
    run = space.planner("-f", "none.yaml", "key", **{name: "1"})
    assert "there is no graph file" in run.stderr
    space.write({"images.yaml": "version: 1\nimages: {x: {context: src}}\n", "src/Dockerfile": "FROM scratch\n"})
    space.git("add", ".")
    for words in (("key",), ("plan", "--since", "HEAD"), ("why", "x", "--from", "INDEX")):
        assert space.planner(*words, **{name: "1"}).stderr == space.planner(*words).stderr
        assert space.planner(*words, **{name: "1"}).stdout == space.planner(*words).stdout != ""


def test_a_variable_that_only_git_config_reads(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    space.git("config", "core.autocrlf", "true")
    (space.root / "a.sh").unlink()
    space.git("checkout", "a.sh")
    monkeypatch.setenv("GIT_CONFIG", "/dev/null")
    assert_is_as_on_disk(space.root)


@pytest.mark.parametrize("how", ["variable", "setting", "machine"])
def test_attributes_from_elsewhere(space: Workspace, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A tree of git's in the place of the files (from 2.43 on), and the machine's file beside git's programs."""
    space.write({".git/info/attributes": "*.sh eol=crlf\n", "a.sh": "hello\r\n"})
    os.utime(space.root / "a.sh", (1_700_000_000, 1_700_000_000))
    space.git("add", "--renormalize", ".")
    (space.root / ".git/info/attributes").unlink()
    assert space.git("status", "--porcelain") == ""
    if how == "variable":
        monkeypatch.setenv("GIT_ATTR_SOURCE", "main")
    elif how == "setting":
        space.git("config", "attr.tree", "main")
    else:
        fake = space.root.parent / "own/bin/git"
        fake.parent.mkdir(parents=True)
        real = shutil.which("git")
        place = fake.parent.parent / "etc/gitattributes"
        place.parent.mkdir()
        place.write_text("*.sh eol=crlf\n")
        fake.write_text(f'#!/bin/sh\nexec {real} -c core.attributesFile={place} "$@"\n')
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    assert_is_as_on_disk(space.root)


def test_attributes_of_the_user_are_remembered_too(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", os.fspath(tmp_path / "home"))
    place = tmp_path / "home/git/attributes"
    place.parent.mkdir(parents=True)
    place.write_text("*.pdf diff=pdf\n")
    assert_is_as_on_disk(space.root)
    assert list(space.root.glob(".git/planner/unseen-*"))
    space.git("config", "core.autocrlf", "input")
    (space.root / "a.sh").write_bytes(b"hello\r\n")
    space.git("add", ".")
    space.git("config", "core.autocrlf", "false")
    place.write_text("*.sh text\n")
    assert_is_as_on_disk(space.root)


@pytest.mark.parametrize("home", [True, False])
def test_attributes_of_a_file_that_a_setting_names_are_remembered_too(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: bool
) -> None:
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    place = tmp_path / "Own"
    place.write_text("*.pdf diff=pdf\n")
    space.git("config", "core.attributesFile", "~/Own" if home else os.fspath(place))
    assert_is_as_on_disk(space.root)
    assert list(space.root.glob(".git/planner/unseen-*"))
    space.git("config", "core.autocrlf", "input")
    (space.root / "a.sh").write_bytes(b"hello\r\n")
    space.git("add", ".")
    space.git("config", "core.autocrlf", "false")
    assert_is_as_on_disk(space.root)
    place.write_text("*.sh text\n")
    assert_is_as_on_disk(space.root)


@pytest.mark.parametrize("kind", ["branch", "packed", "detached", "worktree", "long way"])
def test_a_commit_while_git_looks(space: Workspace, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Git's status resolves HEAD twice, and may name the older commit beside what differs from the newer one."""
    root = space.root
    if kind == "worktree":
        root = space.root.parent / "linked"
        space.git("worktree", "add", "-q", "-b", "other", os.fspath(root))
    if kind == "detached":
        space.git("checkout", "-q", "--detach")
    linked = Workspace(root, init=False)
    old = linked.git("rev-parse", "HEAD").strip()
    linked.write({"a.sh": "newer\n"})
    linked.commit()
    new = linked.git("rev-parse", "HEAD").strip()
    linked.git("reset", "-q", "--soft", old)
    if kind == "packed":
        space.git("pack-refs", "--all")
    fake = space.root.parent / "bin/git"
    fake.parent.mkdir()
    real, moved = shutil.which("git"), space.root.parent / "moved"
    fake.write_text(
        f"""#!/bin/sh
case "$*" in *" status "*) if [ ! -e {moved} ]; then touch {moved}
    {real} -C {root} update-ref HEAD {new}; {real} "$@" | sed -z 's/{new}/{old}/'; exit; fi;; esac
exec {real} "$@"
"""
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    if kind == "long way":
        monkeypatch.setenv("GIT_UNKNOWN", "1")
    assert_is_as_on_disk(root)
    assert moved.exists()


@pytest.mark.parametrize("way", ["look", "long way"])
def test_modes_are_gits_where_those_of_the_disk_mean_nothing(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """An edit has the mode with which it will be committed, however it comes to be read from disk."""
    if way == "long way":
        monkeypatch.setenv("GIT_UNKNOWN", "1")
    space.git("config", "core.fileMode", "no")
    space.write({"tool.sh": "tool\n", "assumed.sh": "a\n", "gone.sh": "g\n", "src/run.sh": "r\n"})
    space.git("add", ".")
    space.git("update-index", "--chmod=+x", "tool.sh", "src/run.sh")
    space.git("commit", "-q", "-m", "state")
    space.git("update-index", "--assume-unchanged", "assumed.sh", "src/run.sh")
    for path in ("a.sh", "src/b.txt", "assumed.sh"):
        (space.root / path).chmod(0o755)
    space.write({"a.sh": "edited\n", "tool.sh": "edited\n", "assumed.sh": "edited\n", "src/run.sh": "edited\n"})
    (space.root / "gone.sh").unlink()
    space.write({"new.sh": "n\n"})
    (space.root / "new.sh").chmod(0o755)
    found = modes(space.root)
    assert found == {
        "a.sh": 0o644, "tool.sh": 0o755, "assumed.sh": 0o644, "src": 0, "src/b.txt": 0o644, "src/run.sh": 0o755,
        "new.sh": 0o755,
    }  # fmt: skip
    assert modes(space.root) == found
    space.git("update-index", "--chmod=+x", "a.sh")
    assert modes(space.root) == {**found, "a.sh": 0o755}
    space.git("update-index", "--no-assume-unchanged", "assumed.sh", "src/run.sh")
    before = list(listed(worktree(space.root)))
    space.git("commit", "-q", "-a", "-m", "edited")
    assert list(listed(worktree(space.root))) == before
    space.git("config", "core.fileMode", "yes")
    assert list(listed(worktree(space.root))) == list(listed(DiskTree(space.root)))


def modes(folder: Path) -> dict[str, int]:
    return {path: mode & 0o777 for path, mode, _ in listed(worktree(folder))}


ROOT_READS_ALL = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
"""Before a command, so that root cannot read what its owner may not."""


def planned_as_owner(space: Workspace, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    before = ROOT_READS_ALL if os.geteuid() == 0 else ()
    return subprocess.run(
        [*before, sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), *arguments],
        env={**os.environ, **IDENTITY, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("environment", [{}, {"GIT_UNKNOWN": "1"}], ids=["a look", "the long way"])
def test_a_file_that_git_cannot_look_at_is_not_taken_for_unchanged(
    space: Workspace, environment: dict[str, str]
) -> None:
    """Git's status says on its error output alone that it could not, and ends with 0."""
    space.write(
        {"images.yaml": "version: 1\nimages: {a: {}, b: {dockerfile: B}}\n", "B": "FROM scratch\nCOPY a.sh /\n"}
    )
    space.write({"Dockerfile": "FROM scratch\nCOPY src/b.txt /\n"})
    space.commit()
    space.write({"src/b.txt": "changed\n"})
    (space.root / "src").chmod(0)
    try:
        run = planned_as_owner(space, "plan", "--since", "HEAD", **environment)
        assert (run.returncode, run.stdout) == (1, ""), run
        assert "src/b.txt: cannot be read: Permission denied" in run.stderr
        affected = planned_as_owner(space, "affected", "--since", "HEAD", **environment)
        assert "a  src/b.txt" in affected.stdout or affected.returncode == 1, affected
    finally:
        (space.root / "src").chmod(0o755)


@pytest.mark.parametrize("command", ["plan", "why", "history", "build"])
def test_a_state_folder_that_cannot_be_read_is_told(space: Workspace, command: str) -> None:
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\nENV A=1\n"})
    space.commit()
    (space.root / ".planner").mkdir(mode=0)
    run = planned_as_owner(space, command, *(["a"] if command == "why" else []))
    assert (run.returncode, "Traceback" in run.stderr) == (1, False), run
    assert ".planner: the state folder cannot be read: Permission denied" in run.stderr or command == "build"


@pytest.mark.parametrize("environment", [{}, {"GIT_UNKNOWN": "1"}], ids=["a look", "the long way"])
def test_what_cannot_be_read_stops_only_those_that_need_it(space: Workspace, environment: dict[str, str]) -> None:
    """The data of a database that runs beside the files, with a user of its own, is often in the workspace."""
    space.write({"images.yaml": "version: 1\nimages: {all: {}, src: {dockerfile: B}}\n", ".gitignore": "data\nkey\n"})
    space.write({"Dockerfile": "FROM scratch\nCOPY . /\n", ".dockerignore": "data\nkey\n", "src/a": "1\n"})
    space.write({"B": "FROM scratch\nCOPY src /\n"})
    space.commit()
    space.write({"data/db/file": "1\n", "key": "1\n"})
    for path in ("data/db", "key"):
        (space.root / path).chmod(0)
    left_out = planned_as_owner(space, "plan", "--since", "HEAD", **environment)
    assert "0 of 2 images rebuild" in left_out.stdout, left_out
    keys = planned_as_owner(space, "key", **environment)
    (space.root / ".dockerignore").write_text("key\n")
    copied = planned_as_owner(space, "plan", "--since", "HEAD", "all", **environment)
    assert (copied.returncode, "data/db: cannot be listed: Permission denied" in copied.stderr) == (1, True), copied
    (space.root / ".dockerignore").write_text("data\n")
    copied = planned_as_owner(space, "plan", "--since", "HEAD", "all", **environment)
    assert (copied.returncode, "key: cannot be read: Permission denied" in copied.stderr) == (1, True), copied
    (space.root / ".dockerignore").write_text("data\nkey\n")
    for path, mode in (("data/db", 0o755), ("key", 0o644)):
        (space.root / path).chmod(mode)
    assert planned_as_owner(space, "key", **environment).stdout == keys.stdout


@pytest.mark.parametrize("environment", [{}, {"GIT_UNKNOWN": "1"}], ids=["a look", "the long way"])
def test_an_untracked_folder_that_git_cannot_list_is_not_left_out(
    space: Workspace, environment: dict[str, str]
) -> None:
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\nCOPY src /\n"})
    space.write({"src/a": "1\n"})
    space.commit()
    space.write({"src/it's/new": "1\n"})
    (space.root / "src/it's").chmod(0)
    try:
        run = planned_as_owner(space, "plan", "--since", "HEAD", **environment)
        assert (run.returncode, "src/it's: cannot be listed: Permission denied" in run.stderr) == (1, True), run
    finally:
        (space.root / "src/it's").chmod(0o755)


@pytest.mark.parametrize("kind", ["tree", "blob", "commit"])
def test_objects_that_are_replaced(space: Workspace, kind: str) -> None:
    """Git checks out what stands in their place, and calls it unchanged."""
    space.write({"src/b.txt": "c\n"})
    space.commit()
    other, own = (space.git("rev-parse", f"{at}{OBJECTS[kind]}").strip() for at in ("HEAD", "HEAD~1"))
    space.git("reset", "--hard", "HEAD~1")
    assert looks_at(space)
    space.git("replace", own, other)
    (space.root / ".git/index").unlink()
    (space.root / "src/b.txt").unlink()
    space.git("reset", "--hard")
    assert (space.root / "src/b.txt").read_text() == "c\n"
    assert_is_as_on_disk(space.root)
    assert looks_at(space) is (kind == "commit")


OBJECTS = {"tree": ":src", "blob": ":src/b.txt", "commit": ""}


def looks_at(space: Workspace) -> bool:
    """Whether one look of git is enough."""
    return worktree(space.root).look is not None


@pytest.mark.parametrize("name", ["a\nb", f"a\n{'0' * 40}"])
def test_a_folder_whose_name_has_a_line_end(space: Workspace, name: str) -> None:
    """What git says of it is told from what it says of replaced objects."""
    space.write({f"{name}/ws/c.txt": "c\n", "a/c.txt": "other\n"})
    space.commit()
    for folder in (name, f"{name}/ws"):
        assert_is_as_on_disk(space.root / folder)
