"""A matrix holds what rebuilds, by level, in a form that GitHub takes; its legs run with nothing but the registry."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.build.family import PIN, BuildSpace
from tests.engine.engine import Engine
from tests.workspace import Workspace


def family(registry: str = "registry.example/fam") -> dict[str, str]:
    return {
        "images.yaml": f"""\
version: 1
registry: {registry}
kinds: {{cuda: {{runner: large-disk}}}}
images:
  base: {{dockerfile: base.Dockerfile}}
  cuda-x: {{dockerfile: cuda.Dockerfile, tags: ["{registry}/other:12.4", "{registry}/any:*"]}}
  app: {{dockerfile: app.Dockerfile, platforms: [linux/amd64]}}
""",
        "base.Dockerfile": "FROM ubuntu:22.04\nCOPY base.txt /\nRUN cp base.txt made.txt\n",
        "cuda.Dockerfile": f"FROM {registry}/base@{PIN}\nCOPY cuda.txt /\n",
        "app.Dockerfile": f"FROM ubuntu:22.04\nCOPY --from={registry}/cuda-x /base.txt /cuda.txt /\nCOPY . /x\n",
        ".dockerignore": "images.yaml\n*.Dockerfile\n",
        "base.txt": "base\n",
        "cuda.txt": "cuda\n",
    }


def assert_github_takes(matrix: dict[str, Any]) -> None:
    """A matrix of GitHub Actions: `include` is a list, not empty, of mappings to plain values."""
    assert set(matrix) == {"include"}
    assert matrix["include"]
    for leg in matrix["include"]:
        assert all(isinstance(value, (str, int, bool)) for value in leg.values())


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(family())
    workspace.commit()
    return workspace


def test_what_rebuilds_by_level(space: Workspace) -> None:
    space.write({"cuda.txt": "edited\n"})
    run = space.planner("matrix", "--since", "HEAD")
    assert run.stdout.count("\n") == 1, "one line, as GITHUB_OUTPUT wants it"
    document = json.loads(run.stdout)
    for matrix in document["levels"]:
        assert_github_takes(matrix)
    legs = [[leg["image"] for leg in matrix["include"]] for matrix in document["levels"]]
    assert legs == [["cuda-x"], ["app"]]
    leg = document["levels"][0]["include"][0]
    assert (leg["runner"], leg["kind"], leg["platforms"]) == ("large-disk", "cuda", "linux/amd64")
    assert leg["command"] == f"planner -C {space.root} build --only --push -- cuda-x"
    assert (leg["id"], leg["images"]) == ("build-cuda-x", "cuda-x")
    assert document["any"] is True


@pytest.mark.parametrize("by", ["level", "packed", "chain"])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_no_more_levels_than_were_asked_for_and_every_image(space: Workspace, by: str, levels: int) -> None:
    """A workflow with one level job would never build what is in a second level."""
    costs = ("--slots", "30", "--start", "0", "--pull", "1000000", "--push-rate", "1000000")
    words = ("matrix", "--all", "--by", by, "--levels", str(levels), *(costs if by == "packed" else ()))
    document = json.loads(space.planner(*words).stdout)
    assert len(document["levels"]) <= levels
    found = [leg["images"].split() for matrix in document["levels"] for leg in matrix["include"]]
    assert sorted(name for group in found for name in group) == ["app", "base", "cuda-x"]


def test_nothing_rebuilds(space: Workspace) -> None:
    document = json.loads(space.planner("matrix", "--since", "HEAD").stdout)
    assert document == {"any": False, "levels": [], "images": []}
    assert space.document("matrix", "--since", "HEAD") == {
        "version": 1,
        "by": "level",
        "any": False,
        "levels": [],
    }
    gitlab = json.loads(space.planner("matrix", "--since", "HEAD", "--format", "gitlab").stdout)
    assert gitlab["nothing-to-build"]["script"] == ["true"]
    buildkite = json.loads(space.planner("matrix", "--since", "HEAD", "--format", "buildkite").stdout)
    assert buildkite == {"steps": [{"label": "nothing to build", "command": "true"}]}


def test_every_leg_runs_on_a_machine_of_its_own(engine: Engine, tmp_path: Path) -> None:
    """Each leg has a fresh clone and no state: parents come from the registry, by key."""
    registry = f"{engine.registry.address}/legs"
    origin = BuildSpace(tmp_path / "origin", engine)
    origin.write(family(registry))
    origin.commit()
    document = origin.document("matrix", "--all")
    assert [len(matrix["include"]) for matrix in document["levels"]] == [1, 1, 1]

    early = document["levels"][1]["include"][0]
    refused = leg_of(origin, tmp_path / "early", early)
    assert refused[0] == 1
    assert "reads base, which is neither recorded nor published" in refused[1]

    for level, matrix in enumerate(document["levels"]):
        for leg in matrix["include"]:
            status, said = leg_of(origin, tmp_path / f"level{level}", leg)
            assert status == 0, said
    tags = {
        (name, tag)
        for name in ("base", "cuda-x", "app", "other")
        for tag in engine.registry.tags(f"legs/{name}")
        if not tag.startswith(("x3-", "rec-", "res-", "sha256-"))
    }
    assert tags == {("base", "latest"), ("cuda-x", "latest"), ("app", "latest"), ("other", "12.4")}
    assert origin.build("--push", "app")["app"]["outcome"] == "reused", "the registry has a record of it"


def leg_of(origin: BuildSpace, folder: Path, leg: dict[str, Any]) -> tuple[int, str]:
    origin.git("clone", "-q", os.fspath(origin.root), os.fspath(folder))
    clone = BuildSpace(folder, origin.engine, init=False)
    words = shlex.split(leg["command"])
    assert words[:3] == ["planner", "-C", str(origin.root)]
    run = clone.planner(*words[3:], **origin.engine.environment)
    return run.returncode, run.stderr + run.stdout
