"""A new key schema: the same inputs are recorded again under their new keys, and nothing is built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from planner.cli import build as build_command
from planner.cli import main
from planner.digest import key as key_module
from planner.digest import older as older_module
from planner.digest.inputs import Manifest
from planner.digest.older import CannotSay, Older
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space
from tests.engine.engine import Engine


def same(manifest: Manifest) -> Manifest:
    return manifest


def unknown_for_tool(manifest: Manifest) -> Manifest:
    if manifest.image == "tool":
        raise CannotSay
    return manifest


@pytest.fixture
def space(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> BuildSpace:
    for name, value in engine.environment.items():
        monkeypatch.setenv(name, value)
    return published_space(tmp_path / "a", engine, f"{engine.registry.address}/m-{tmp_path.name.lower()[-20:]}")


def next_schema(monkeypatch: pytest.MonkeyPatch, *before: Older) -> None:
    """From here on the planner of this process is one of the next schema."""
    monkeypatch.setattr(key_module, "SCHEMA", "2")
    for module in (older_module, build_command):
        monkeypatch.setattr(module, "OLDER", before)


def outcomes(space: BuildSpace, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    # A planner of another schema has other files, by which it knows that what was kept is not its own.
    shutil.rmtree(space.root / ".git" / "planner", ignore_errors=True)
    status = main.run(["-C", str(space.root), "build", "--format", "json", *arguments])
    said = capsys.readouterr()
    assert status == 0, said.err
    return {image["name"]: image for image in json.loads(said.out)["images"]}


@pytest.mark.parametrize("arguments", [(), ("--push",)])
def test_raising_the_schema_builds_nothing(
    space: BuildSpace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    first = outcomes(space, capsys, *arguments)
    next_schema(monkeypatch, Older(schema="1", as_it_was=same))
    where = clone(space, tmp_path / "b") if arguments else space
    second = outcomes(where, capsys, *arguments)
    for name, image in second.items():
        assert image["outcome"] == "reused"
        assert image["digest"] == first[name]["digest"]
        assert image["key"] != first[name]["key"]
    next_schema(monkeypatch)  # The older schema is forgotten: what was recorded again is enough.
    if arguments:
        shutil.rmtree(where.root / ".planner")
    assert {image["outcome"] for image in outcomes(where, capsys, *arguments).values()} == {"reused"}


def test_without_a_way_back_everything_is_built(
    space: BuildSpace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes(space, capsys)
    next_schema(monkeypatch)
    assert {image["outcome"] for image in outcomes(space, capsys).values()} == {"built"}


def test_an_image_of_which_it_cannot_be_said_is_built_with_what_reads_it(
    space: BuildSpace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes(space, capsys)
    next_schema(monkeypatch, Older(schema="1", as_it_was=unknown_for_tool))
    ended = {name: image["outcome"] for name, image in outcomes(space, capsys).items()}
    assert (ended["base"], ended["side"], ended["tool"]) == ("reused", "reused", "built")
