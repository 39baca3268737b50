"""A pipeline calls the planner from the top of a clone, wherever it was written, and lies where the provider looks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workspace import IDENTITY, Workspace

GRAPH = "version: 1\nregistry: r.example/f\nimages: {a: {}}\n"
WAYS = (
    ("images/team", ()),
    (".", ("-C", "images/team")),
    ("images/team/sub", ("-C", "..")),
    (".", ("-C", "{root}/images/team")),
    ("..", ("-C", "repository/images/team")),
    ("images", ("-f", "team/images.yaml")),
    ("images", ("-f", "{root}/images/team/images.yaml")),
)
PLACES = {
    "github": ".github/workflows/images.yml",
    "gitlab": ".gitlab-ci.yml",
    "buildkite": ".buildkite/pipeline.yml",
}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "repository")
    made.write({f"images/team/{name}": text for name, text in {"images.yaml": GRAPH, "Dockerfile": "FROM x\n"}.items()})
    made.write({"images/team/sub/file": "", "images/team/other.yaml": GRAPH})
    made.commit()
    return made


def planner(space: Workspace, folder: str, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "planner.cli.start", *(word.format(root=space.root) for word in words)]
    place = Path(os.path.normpath(space.root / folder))
    environment = {**os.environ, **IDENTITY}
    return subprocess.run(argv, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("provider", list(PLACES))
@pytest.mark.parametrize(("folder", "words"), WAYS)
def test_wherever_it_is_written(space: Workspace, provider: str, folder: str, words: tuple[str, ...]) -> None:
    run = planner(space, folder, *words, "ci", provider)
    assert run.returncode == 0, run.stderr
    assert space.git("status", "--porcelain", "-uall").split() == ["??", PLACES[provider]]
    text = (space.root / PLACES[provider]).read_text()
    assert f"# Written by `planner -C images/team ci {provider}`;" in text
    assert "planner -C images/team plan" in text
    assert os.fspath(space.root) not in text
    assert planner(space, ".", "-C", "images/team", "ci", provider, "--check").returncode == 0
    assert planner(space, folder, *words, "ci", provider, "--check").returncode == 0


def test_a_named_file_is_relative_to_where_one_is(space: Workspace) -> None:
    run = planner(space, "images", "-C", "team", "ci", "github", "-o", "mine.yml")
    assert run.returncode == 0, run.stderr
    text = (space.root / "images/mine.yml").read_text()
    assert "# Written by `planner -C images/team ci github -o images/mine.yml`;" in text


def test_without_git_the_top_is_where_one_is(tmp_path: Path) -> None:
    (tmp_path / "family").mkdir()
    (tmp_path / "family/images.yaml").write_text(GRAPH)
    (tmp_path / "family/Dockerfile").write_text("FROM x\n")
    argv = [sys.executable, "-m", "planner.cli.start", "-C"]
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": os.fspath(tmp_path)}
    words = ["ci", "github", "-o", "-"]
    run = subprocess.run([*argv, "family", *words], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "planner -C family plan" in run.stdout, run.stderr
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    run = subprocess.run([*argv, "../family", *words], cwd=outside, env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert "is not below" in run.stderr


def test_the_pipeline_of_another_family_is_not_replaced(space: Workspace) -> None:
    assert planner(space, "images/team", "ci", "github").returncode == 0
    assert planner(space, "images/team", "ci", "github", "--branch", "next").returncode == 0, "its own may be"
    run = planner(space, "images/team", "-f", "other.yaml", "ci", "github")
    assert run.returncode == 1
    assert "-o" in run.stderr
    run = planner(space, ".", "-C", "images/team", "-f", "other.yaml", "ci", "github", "-o", ".github/workflows/o.yml")
    assert run.returncode == 0, run.stderr


def test_argo_calls_from_the_top_of_its_clone_too(space: Workspace) -> None:
    words = ("export", "argo", "--all", "--image", "r.example/p:1", "--source", "https://git.example/a.git")
    for folder, given in WAYS:
        run = planner(space, folder, *given, *words)
        assert run.returncode == 0, run.stderr
        assert "planner\n" in run.stdout.replace("- ", "")
        assert os.fspath(space.root) not in run.stdout
        assert "images/team\n" in run.stdout
