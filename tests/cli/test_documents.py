"""What programs read is what the schemas in the package say."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from planner.cli.main import COMMANDS
from planner.plan.reasons import Code
from tests.build.family import Family
from tests.workspace import Workspace


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("planner").joinpath(f"schemas/{name}.json").read_text())
    return found


def closed(part: Any) -> Any:
    """The schema with every object closed, so that a field that nobody described is found."""
    if isinstance(part, dict):
        inner = {key: closed(value) for key, value in part.items()}
        if "properties" in inner:
            inner["additionalProperties"] = False
        return inner
    return [closed(item) for item in part] if isinstance(part, list) else part


def check(name: str, document: Any) -> None:
    jsonschema.validate(document, closed(schema(name)))


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(
        {
            "images.yaml": "version: 1\nregistry: r.example\nimages: {a: {}, b: {dockerfile: b}, c: {dockerfile: c}}\n",
            "Dockerfile": "# syntax=docker/dockerfile:1\nFROM x\nADD https://e.example/f /\nCOPY b /\n",
            "b": "FROM r.example/a\nARG X=1\nRUN x\n",
            "c": "FROM ${UNKNOWN}\n",
        }
    )
    workspace.commit()
    return workspace


def test_the_documents_of_all_commands(space: Workspace, tmp_path: Path) -> None:
    check("graph", space.document("graph"))
    space.write({"c": "FROM r.example/b\nLABEL a=b\n"})
    space.commit()
    check("key", space.document("key"))
    for name in ("a", "b", "c"):
        check("inputs", space.document("inputs", name))
    space.write({"b": "FROM r.example/a\nARG X=2\nRUN x\n"})
    for arguments in (("--all",), ("--since", "HEAD"), ()):
        check("plan", space.document("plan", *arguments))
        check("matrix", space.document("matrix", *arguments))
        check("matrix", space.document("matrix", *arguments, "--by", "packed"))
    for name in ("a", "b", "c"):
        check("why", space.document("why", name, "--from", "HEAD", "--diff"))
        check("why-not", space.document("why-not", name, "--from", "HEAD", "--file", "b"))
    check("plan", space.document("diff", "HEAD"))
    space.git("commit", "-q", "-a", "-m", "more")
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({space.git("rev-parse", "HEAD").strip(): ["b"]}))
    rules = "directory-hash,path-filter,everything"
    check("replay", space.document("replay", "HEAD", "--compare", rules, "--labels", os.fspath(labels)))
    saved = tmp_path / "plan.json"
    assert space.planner("plan", "--out", os.fspath(saved)).returncode == 0
    check("plan", json.loads(saved.read_text()))


def test_the_document_of_a_build(family: Family) -> None:
    space = family(tool__Dockerfile="FROM registry.example/fam/base\nRUN exit 1\n")
    for arguments in (("-j1", "-k"), ("-j1",)):
        run = space.planner("build", *arguments, "--format", "json", **space.engine.environment)
        check("build", json.loads(run.stdout))
    check("plan", space.document("plan"))


def test_the_codes_of_reasons_are_a_closed_set() -> None:
    codes = schema("plan")["properties"]["images"]["items"]["properties"]["reasons"]["items"]["properties"]["code"]
    assert codes["enum"] == [code.value for code in Code]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 2}',
        '{"version": 1, "against": "x", "images": [{}]}',
        '{"version": 1, "against": "x", "images": [{"name": "a", "action": "burn"}]}',
        '{"version": 1, "against": "x", "images": 3}',
        "\x00\xff",
    ],
)
def test_a_file_that_is_no_plan(space: Workspace, tmp_path: Path, text: str) -> None:
    space.write({"c": "FROM x\n"})
    (tmp_path / "plan").write_text(text)
    run = space.planner("build", "--plan", os.fspath(tmp_path / "plan"))
    assert run.returncode == 1
    assert "is no plan" in run.stderr
    assert "Traceback" not in run.stderr


def test_every_command_has_an_example(space: Workspace) -> None:
    for command in tuple(COMMANDS):
        run = space.planner(command, "--help")
        assert f"Example: planner {command}" in run.stdout
