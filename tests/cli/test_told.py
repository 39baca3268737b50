"""What is answered of a family where one reference is open: all that it does not reach, and never a part for all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.workspace import Workspace

FILES = {
    "base/Dockerfile": "FROM ubuntu:24.04\nRUN true\n",
    "app/Dockerfile": "FROM acme/base\nCOPY run.sh /\n",
    "app/run.sh": "true\n",
    "lab/Dockerfile": "ARG from\nFROM ${from}\nRUN true\n",
    "late/Dockerfile": "FROM acme/app\nCOPY made.txt /\n",
    "last/Dockerfile": "FROM acme/late\n",
}
OUT = "planner: warning: 3 images cannot be judged: lab, late, last (planner graph says why)\n"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(FILES)
    workspace.commit()
    return workspace


def test_images_that_nothing_open_reaches_are_planned(space: Workspace) -> None:
    space.write({"app/run.sh": "false\n"})
    for _ in range(2):
        run = space.planner("plan", "app", "--since", "HEAD")
        assert (run.returncode, "build  app" in run.stdout) == (0, True), run
        assert OUT in run.stderr
    for words in (["key", "app"], ["inputs", "app"], ["why", "app"], ["matrix", "a*"], ["build", "app", "--dry-run"]):
        run = space.planner(*words)
        assert (run.returncode, OUT in run.stderr) == (0, True), run
    assert space.planner("why-not", "base").stdout.startswith("base is not rebuilt")
    assert "the graph" not in space.planner("diff", "HEAD", "WORKTREE", "app").stdout


def test_a_part_is_never_taken_for_all(space: Workspace) -> None:
    space.planner("plan", "app", "--since", "HEAD")
    space.planner("plan", "app")
    for words in (["plan", "--since", "HEAD"], ["plan"], ["plan", "*", "--since", "HEAD"], ["matrix"], ["key"]):
        run = space.planner(*words)
        assert (run.returncode, run.stdout) == (1, ""), run
        assert "lab/Dockerfile:2" in run.stderr
        assert "late/Dockerfile:2" in run.stderr
    assert "2 images are reached by none of this: planner plan NAME" in space.planner("plan").stderr


def test_only_what_is_in_the_way_is_told(space: Workspace) -> None:
    run = space.planner("plan", "last", "app")
    assert run.returncode == 1
    assert "late/Dockerfile:2" in run.stderr
    assert "lab/Dockerfile" not in run.stderr
    assert 'did you mean "app"?' in space.planner("plan", "apq").stderr


def test_a_saved_plan_names_its_images(space: Workspace) -> None:
    assert space.planner("plan", "app", "--out", ".planner/plan.json", "--since", "HEAD").returncode == 0
    run = space.planner("build", "--plan", ".planner/plan.json", "--dry-run")
    assert (run.returncode, OUT in run.stderr) == (0, True), run
    space.write({"app/Dockerfile": "FROM acme/lab\nCOPY run.sh /\n"})
    assert "lab/Dockerfile:2" in space.planner("build", "--plan", ".planner/plan.json", "--dry-run").stderr


def test_what_becomes_an_edge_to_an_open_image_is_open(space: Workspace) -> None:
    assert space.planner("plan", "app", "--since", "HEAD").returncode == 0
    space.write({"app/Dockerfile": "FROM acme/lab\nCOPY run.sh /\n"})
    run = space.planner("plan", "app", "--since", "HEAD")
    assert (run.returncode, "lab/Dockerfile:2" in run.stderr) == (1, True), run


def test_what_could_not_be_told_before_is_built(space: Workspace) -> None:
    space.write({"lab/Dockerfile": "FROM acme/base\n", "late/made.txt": "m\n"})
    for _ in range(2):
        found = space.rebuilds()
        assert found.keys() == {"lab", "late", "last"}
    image = next(one for one in space.document("plan", "--since", "HEAD")["images"] if one["name"] == "lab")
    assert image["reasons"][0]["detail"].startswith("could not be told then: lab/Dockerfile:2: FROM ${from}: ")
    assert "could not be told then" in space.planner("why", "last", "--from", "HEAD").stdout
    assert space.planner("affected", "--since", "HEAD").stdout.startswith("lab")
    space.commit()
    assert space.rebuilds() == {}


def test_with_a_graph_file_too(space: Workspace) -> None:
    text = "version: 1\nregistry: docker.io/acme\nimages:\n"
    space.write({"images.yaml": text + "".join(f"  {name}: {{context: {name}}}\n" for name in ("base", "app", "lab"))})
    space.commit()
    space.write({"app/run.sh": "false\n"})
    assert "build  app" in space.planner("plan", "app", "--since", "HEAD").stdout
    assert space.planner("plan", "--since", "HEAD").returncode == 1
    graph = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": graph.replace("context: lab", "context: lab, args: {from: acme/base}")})
    assert space.rebuilds().keys() == {"app", "lab"}


def test_a_malformed_name_may_be_what_any_image_reads(space: Workspace) -> None:
    images = "  base: {context: base, tags: ['acme/base:1 2']}\n  app: {context: app}\n"
    space.write({"images.yaml": f"version: 1\nimages:\n{images}"})
    run = space.planner("plan", "app")
    assert (run.returncode, "malformed tag" in run.stderr) == (1, True), run


@pytest.mark.parametrize("line", ["RUNX true", "COPY only", "FROM a b c"])
def test_a_mistake_in_a_dockerfile_does_not_leave_its_image_out(tmp_path: Path, line: str) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"base/Dockerfile": "FROM ubuntu:24.04\n", "leaf/Dockerfile": "FROM acme/base\nRUN true\n"})
    space.commit()
    assert space.rebuilds() == {}
    space.write({"leaf/Dockerfile": f"FROM acme/base\n{line}\n"})
    for words in (["plan", "--since", "HEAD"], ["matrix", "--since", "HEAD"], ["plan"], ["lock", "--check"]):
        for _ in range(2):
            run = space.planner(*words)
            assert (run.returncode, run.stdout, "leaf/Dockerfile:2" in run.stderr) == (1, "", True), run
    assert "1 image is reached by none of this: planner plan NAME" in space.planner("plan").stderr
    assert space.planner("plan", "base", "--since", "HEAD").returncode == 0
    assert "leaf/Dockerfile is left out" in space.planner("graph").stderr
    assert space.planner("graph", "--format", "html", "-o", os.fspath(space.root / "g.html")).returncode == 0
    space.write({"leaf/Dockerfile": "FROM acme/base\nRUN true\n"})
    assert space.rebuilds() == {}


@pytest.mark.parametrize(
    "text",
    ["RUN true\n", "{{ base }}\nRUN true\n", "FROM {{base}}\nRUN a\n{% if x %}\n", "FROM a\n{{IF x}}\n", "# x\n"],
)
def test_a_part_and_a_template_are_left_out(tmp_path: Path, text: str) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"base/Dockerfile": "FROM ubuntu:24.04\n", "leaf/Dockerfile": text})
    space.commit()
    run = space.planner("plan", "--since", "HEAD")
    assert (run.returncode, "leaf/Dockerfile is left out" in run.stderr) == (0, True), run
