"""The proxies of Docker's configuration reach a RUN, and no image unseen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.build.family import Family
from tests.engine.engine import Engine

PROXY = "http://somebody:secret@proxy.example:3128"


@pytest.fixture
def behind(engine: Engine, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody whose Docker is told of a proxy."""
    environment = engine.environment
    folder = tmp_path / "docker"
    shutil.copytree(environment["DOCKER_CONFIG"], folder, symlinks=True)
    file = folder / "config.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**known, "proxies": {"default": {"httpProxy": PROXY}}}))
    return {**environment, "DOCKER_CONFIG": str(folder)}


def test_a_proxy_that_a_dockerfile_names_is_not_filled_unseen(family: Family, behind: dict[str, str]) -> None:
    space = family()
    space.write({"base.Dockerfile": "FROM ubuntu:22.04\narg OTHER \\\n  HTTP_PROXY\nENV TAKEN=$HTTP_PROXY\n"})
    run = space.planner("build", "base", **behind)
    assert run.returncode == 1
    assert "HTTP_PROXY would be filled from the proxies of Docker's configuration" in run.stderr
    assert "secret" not in run.stdout + run.stderr
    graph = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": graph.replace("base: {", 'base: {args: {HTTP_PROXY: ""}, ')})
    assert space.planner("build", "base", **behind).returncode == 0


def test_a_run_has_the_proxy_all_the_same(family: Family, behind: dict[str, str]) -> None:
    space = family()
    space.write({"base.Dockerfile": f'FROM ubuntu:22.04\nRUN test "$HTTP_PROXY" = {PROXY}\n'})
    assert space.planner("build", "base", **behind).returncode == 0
