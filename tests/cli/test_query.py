"""`planner query` on a family on disk: outputs, orders, files, revisions, and references that cannot be told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_documents import check
from tests.workspace import Workspace

FILES = {
    "images.yaml": """\
version: 1
registry: r.example
images:
  base: {dockerfile: base.Dockerfile}
  tool: {dockerfile: tool.Dockerfile}
  app: {dockerfile: app.Dockerfile}
""",
    "base.Dockerfile": "FROM alpine:3.20\nCOPY scripts/*.sh /\n",
    "tool.Dockerfile": "FROM r.example/base\nRUN --mount=type=bind,source=src,target=/s make\n",
    "app.Dockerfile": "FROM r.example/base\nCOPY --from=r.example/tool /x /x\n",
    "scripts/a.sh": "a\n",
    "scripts/b.txt": "b\n",
    "src/x.c": "x\n",
}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(FILES)
    workspace.commit()
    return workspace


def lines(space: Workspace, *arguments: str) -> list[str]:
    run = space.planner("query", *arguments)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_outputs(space: Workspace) -> None:
    assert lines(space, "//...") == ["//:base", "//:tool", "//:app"]
    assert lines(space, "//...", "--output", "name", "--order", "reverse") == ["app", "tool", "base"]
    assert lines(space, "//...", "--output", "name", "--order", "name") == ["app", "base", "tool"]
    assert lines(space, "set()") == []
    assert lines(space, "app + base", "--output", "graph") == [
        "digraph mygraph {",
        "  node [shape=box];",
        '  "//:base"',
        '  "//:app"',
        '  "//:app" -> "//:base"',
        "}",
    ]
    drawn = lines(space, "externals(base) + base", "--output", "dot")
    assert '  "docker.io/library/alpine:3.20" -> "base";' in drawn
    assert not any("app" in line for line in drawn)


def test_the_document(space: Workspace) -> None:
    run = space.planner("query", "deps(tool) + inputs(tool) + externals(//...)", "--output", "json")
    document = json.loads(run.stdout)
    check("query", document)
    reads = {target["label"]: target["reads"] for target in document["targets"]}
    assert reads == {
        "docker.io/library/alpine:3.20": [],
        "//:src/x.c": [],
        "//:tool.Dockerfile": [],
        "//:base": ["docker.io/library/alpine:3.20"],
        "//:tool": ["//:src/x.c", "//:tool.Dockerfile", "//:base"],
    }


def test_files_and_who_reads_them(space: Workspace) -> None:
    assert lines(space, "inputs(//...)", "--output", "name") == [
        "app.Dockerfile",
        "base.Dockerfile",
        "scripts/a.sh",
        "src/x.c",
        "tool.Dockerfile",
    ]
    assert lines(space, "rdeps(//..., src/x.c) ^ //...", "--output", "name") == ["tool", "app"]


def test_affected_is_what_plan_rebuilds(space: Workspace) -> None:
    assert lines(space, "affected(HEAD)") == []
    space.write({"src/x.c": "y\n"})
    assert lines(space, "affected(HEAD)", "--output", "name") == ["tool", "app"]
    assert set(space.rebuilds()) == {"tool", "app"}
    run = space.planner("query", "affected(no-such)")
    assert (run.returncode, run.stdout) == (1, "")
    assert 'there is no revision "no-such"' in run.stderr


def test_references_that_cannot_be_told_are_warned_about(space: Workspace) -> None:
    space.write({"app.Dockerfile": "FROM ${WHAT}\n"})
    run = space.planner("query", "//...")
    assert run.stdout.splitlines() == ["//:base", "//:app", "//:tool"]
    assert "app.Dockerfile:1: FROM ${WHAT} cannot be told" in run.stderr


def test_names_of_files_do_not_move_the_cursor(space: Workspace) -> None:
    space.write({"src/\x1b[31m\n.c": "x\n"})
    for output in ("name", "label", "dot", "graph"):
        printed = space.planner("query", "inputs(tool)", "--output", output).stdout
        assert "\x1b" not in printed
        assert "\n.c" not in printed


def test_an_error_of_a_query_is_one_message(space: Workspace) -> None:
    run = space.planner("query", "deps(ap)")
    assert run.returncode == 1
    assert run.stderr == (
        'planner: query:1:6: nothing is named "ap"\n    deps(ap)\n         ^\n  did you mean "app"?\n'
    )
