"""The states that a command line compares: what stands for one that nobody named, and one that git refuses to tell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.workspace import Workspace

FILES = {
    "base/Dockerfile": "FROM ubuntu:24.04\nCOPY setup.sh /\n",
    "base/setup.sh": "true\n",
    "app/Dockerfile": "FROM acme/base\nCOPY run.sh /\n",
    "app/run.sh": "true\n",
}
OTHERS = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
"""git takes the folder for somebody else's."""


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(FILES)
    workspace.commit()
    return workspace


def proposed(space: Workspace) -> None:
    """Write down what was found by name."""
    assert space.planner("init").returncode == 0
    space.git("add", "-A")
    space.git("commit", "-q", "-m", "init")


def test_a_revision_from_before_the_graph_file_is_read_as_it_was_then(space: Workspace) -> None:
    keys = space.keys()
    proposed(space)
    assert space.keys() == keys
    for _ in range(2):
        run = space.planner("plan", "--since", "HEAD~1")
        assert "0 of 2 images rebuild" in run.stdout
    assert "had no graph file" in run.stderr
    assert "planner init" not in run.stderr
    run = space.planner("why", "app", "--from", "HEAD~1")
    assert (run.returncode, "app is not rebuilt" in run.stdout) == (0, True)
    assert "0 of 2 images" in space.planner("affected", "--since", "HEAD~1", "--direct").stdout
    space.write({"app/run.sh": "edited\n"})
    assert space.rebuilds("HEAD~1") == {"app": {"file-changed"}}


def test_a_revision_of_which_no_family_can_be_made_is_none(space: Workspace) -> None:
    """What nobody had written down may be past reading: that stops no plan of what is written down now."""
    space.write({"app/Dockerfile": "FROM acme/base\n", "base/Dockerfile": "FROM acme/app\n"})
    space.commit()
    space.write(FILES)
    proposed(space)
    run = space.planner("plan", "--since", "HEAD~1")
    assert (run.returncode, "2 of 2 images rebuild" in run.stdout) == (0, True)
    assert "so all images are new\n  only a revision that has images.yaml can be compared with" in run.stderr
    run = space.planner("why", "app", "--since", "HEAD~1")
    assert "HEAD~1 has no images.yaml, so there is nothing to compare with\n  name a revision that has it" in run.stderr


def test_a_range_that_git_does_not_know_says_what_one_is(space: Workspace) -> None:
    run = space.planner("replay", "HEAD~9..HEAD")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("planner: HEAD~9..HEAD: git knows no such commits here\n  A..B is what B has")


def test_what_is_compared_where_nothing_was_built_is_said(space: Workspace, tmp_path: Path) -> None:
    run = space.planner("why", "app")
    assert "nothing was built here yet, so HEAD is compared with" in run.stderr
    assert "app is not rebuilt" in run.stdout
    plain = Workspace(tmp_path / "plain", init=False)
    plain.write(FILES)
    run = plain.planner("why", "app")
    assert (run.returncode, "nothing was built here yet, and there is no git" in run.stderr) == (1, True)
    assert "revision HEAD" not in run.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--since", "HEAD"),
        ("why", "app"),
        ("why", "app", "--from", "HEAD"),
        ("why", "app", "--from", "WORKTREE", "--to", "INDEX"),
        ("affected", "--since", "HEAD"),
        ("diff", "HEAD", "HEAD"),
        ("replay", "HEAD~1..HEAD"),
    ],
)
def test_a_repository_that_git_refuses(space: Workspace, words: tuple[str, ...]) -> None:
    run = space.planner(*words, **OTHERS)
    assert run.returncode == 1
    assert "git refuses" in run.stderr
    assert f"git config --global --add safe.directory {os.path.realpath(space.root)}" in run.stderr
    assert "is not in a git" not in run.stderr


def test_a_plan_without_git_because_it_refuses_says_so(space: Workspace) -> None:
    keys = space.keys()
    for words in (("plan",), ("key",)):
        run = space.planner(*words, **OTHERS)
        assert (run.returncode, run.stderr.count("safe.directory")) == (0, 1), run.stderr
    run = space.planner("key", **OTHERS)
    assert all(key in run.stdout for key in keys.values())


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("plan", "--since", ""), "--since"),
        (("plan", "--against", ""), "--against"),
        (("build", "--against", ""), "--against"),
        (("matrix", "--since="), "--since"),
        (("affected", "--since", ""), "--since"),
        (("graph", "--since", ""), "--since"),
        (("watch", "--since", ""), "--since"),
        (("why", "app", "--from", ""), "--from"),
        (("why", "app", "--to", ""), "--to"),
        (("diff", ""), "argument A"),
        (("diff", "HEAD", ""), "argument B"),
        (("-f", "", "graph"), "-f"),
        (("-f", "", "plan", "--since", "HEAD"), "-f"),
        (("-f", "", "pin"), "-f"),
        (("-f", "compose.yaml", "-f", "", "plan"), "-f"),
    ],
)
def test_an_empty_word_names_nothing(space: Workspace, words: tuple[str, ...], option: str) -> None:
    """As a variable of a CI that is not set makes one: another baseline must not be taken instead, silently."""
    run = space.planner(*words)
    assert run.returncode == 2, run.stderr
    assert option in run.stderr
    assert "empty" in run.stderr
    assert subprocess.run(["git", "status"], cwd=space.root, capture_output=True, check=True)


def test_mistakes_of_a_revision_are_told_as_its_own(space: Workspace) -> None:
    """Whoever mends them has none on disk, and wants a plan of it."""
    good = "version: 1\nregistry: acme\nimages: {base: {context: base}, app: {context: app}}\n"
    space.write({"images.yaml": good.replace("context: app", "contex: app")})
    space.commit()
    space.write({"images.yaml": good})
    for _ in range(2):
        run = space.planner("plan", "--since", "HEAD")
        assert (run.returncode, "2 of 2 images rebuild" in run.stdout) == (0, True)
        assert "has mistakes of its own (images.yaml:3:" in run.stderr
        assert "so all images are new" in run.stderr
    run = space.planner("why", "app", "--from", "HEAD")
    assert (run.returncode, "HEAD cannot be read as a family, so there is nothing to compare" in run.stderr) == (
        1,
        True,
    )
    run = space.planner("diff", "HEAD", "INDEX")
    assert run.stderr.startswith("planner: INDEX has mistakes:\nimages.yaml:3:")
    space.commit()
    run = space.planner("diff", "HEAD~1", "HEAD")
    assert run.stderr.startswith("planner: HEAD~1 has mistakes:\nimages.yaml:3:")
