"""The Docker Engines build through buildx, read parents by local tags, and reach the engine's registry."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.engine.docker import DockerEngine
from tests.engine.engine import Engine
from tests.engine.test_engine import CHILD, PARENT, PINNED, write


@pytest.fixture(params=["docker_engine", "classic_docker_engine"])
def docker(request: pytest.FixtureRequest) -> DockerEngine:
    """Both stores, one after the other."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, DockerEngine)
    return found


def build(docker: DockerEngine, context: Path, *more: str) -> dict[str, Any]:
    """The metadata of a build."""
    metadata = context / "metadata.json"
    options = ("--progress=rawjson", f"--metadata-file={metadata}", "--provenance=false")
    run = docker.run("buildx", "build", *options, *more, os.fspath(context))
    assert run.returncode == 0, run.stderr
    return dict(json.loads(metadata.read_text()))


def test_a_child_reads_its_parent_by_a_local_tag(docker: DockerEngine, tmp_path: Path) -> None:
    parent = build(docker, write(tmp_path / "parent", PARENT, a="hi\n"), "--tag=t/parent:dev")
    build(
        docker, write(tmp_path / "child", CHILD), f"--build-context={PINNED}=docker-image://t/parent:dev", "-tt/child"
    )
    found = json.loads(docker.run("image", "inspect", "t/parent:dev", "t/child").stdout)
    assert found[0]["Id"] == parent["containerimage.digest"]
    assert found[1]["RootFS"]["Layers"][:2] == found[0]["RootFS"]["Layers"]


def test_an_image_is_pushed_to_the_registry(docker: DockerEngine, engine: Engine, tmp_path: Path) -> None:
    name = f"{engine.registry.address}/docker/{docker.store}"
    build(docker, write(tmp_path / "parent", PARENT, a="hi\n"), f"--tag={name}:1", "--push")
    assert engine.registry.tags(f"docker/{docker.store}") == ["1"]


def test_only_the_containerd_store_knows_a_local_image_by_its_digest(docker: DockerEngine, tmp_path: Path) -> None:
    parent = build(docker, write(tmp_path / "parent", PARENT, a="hi\n"), "--tag=t/parent:dev")
    child = write(tmp_path / "child", CHILD)
    context = f"--build-context={PINNED}=docker-image://t/parent@{parent['containerimage.digest']}"
    run = docker.run("buildx", "build", context, os.fspath(child))
    assert (run.returncode == 0) == (docker.store == "containerd"), run.stderr
