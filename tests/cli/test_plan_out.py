"""A plan that is saved where images are built from does not hold, which is said; `.planner` is part of no context."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "family")
    made.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\nCOPY . /x\n"})
    made.commit()
    return made


@pytest.mark.parametrize("words", [("plan",), ("plan", "--since", "HEAD"), ("matrix",)])
def test_a_plan_in_a_context_is_warned_about(space: Workspace, words: tuple[str, ...]) -> None:
    file = os.fspath(space.root / "plan.json")
    for _ in range(2):
        run = space.planner(*words, "--out", file)
        assert (run.returncode, "warning" in run.stderr) == (0, True), run.stderr
        assert "a is built from" in run.stderr
        assert ".planner/plan.json" in run.stderr
        assert space.planner("matrix", "--plan", file).returncode == 1, "it does not hold"


@pytest.mark.parametrize("words", [("plan",), ("plan", "--since", "HEAD"), ("matrix",)])
@pytest.mark.parametrize("place", [".planner/plan.json", "ignored.json", "../plan.json"])
def test_a_plan_that_no_image_reads_holds(space: Workspace, words: tuple[str, ...], place: str) -> None:
    space.write({".dockerignore": "ignored.json\n"})
    space.commit()
    file = os.fspath(space.root / place)
    run = space.planner(*words, "--out", file)
    assert (run.returncode, run.stderr) == (0, "")
    assert space.planner("matrix", "--plan", file).returncode == 0
    assert ".planner" not in space.git("status", "--porcelain"), "the planner's folder is kept out of git"


def test_keys_are_made_once_where_no_image_reads_the_file(space: Workspace, tmp_path: Path) -> None:
    """Git is asked no more than without --out: a second reading of the family would ask again."""
    space.write({"Dockerfile": "FROM scratch\nCOPY src /x\n", "src/a": "a"})
    space.commit()
    file, log = os.fspath(space.root / "plan.json"), tmp_path / "trace"

    def asked(*words: str) -> int:
        log.unlink(missing_ok=True)
        run = space.planner("plan", *words, GIT_TRACE=os.fspath(log))
        assert (run.returncode, run.stderr) == (0, "")
        return log.read_text().count("trace: built-in: git")

    asked()
    assert asked("--out", file) == asked()
    assert space.planner("matrix", "--plan", file).returncode == 0, "it holds"
