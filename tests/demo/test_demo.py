"""The demo shows the main job, and leaves the checkout as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.demo.__main__ import show
from tests.engine.docker import DockerEngine
from tests.engine.engine import Engine

CHECKOUT = Path(__file__).parents[2]


def status() -> str:
    run = subprocess.run(["git", "status", "--porcelain"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture(params=["embedded", "docker"])
def environment(request: pytest.FixtureRequest, engine: Engine) -> dict[str, str]:
    """What the demo finds: an engine of its own, or a Docker Engine."""
    if request.param == "embedded":
        return engine.environment
    docker: DockerEngine = request.getfixturevalue("docker_engine")
    return {"BUILDKIT_HOST": "", **docker.environment}


def test_shows_the_main_job(environment: dict[str, str], engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    before = status()
    show({**environment, "MIRROR": engine.mirror})
    out = capfd.readouterr().out
    for said in (
        "9 of 9 images rebuild against the local records",
        "9 built in",
        "0 of 9 images rebuild against the local records",
        "file changed: scripts/install_python.sh changed  (docker/base-python3.10.Dockerfile:3)",
        "7 of 9 images rebuild against the local records",
        "2 reused, 7 built in",
        "7 of 9 images rebuild against HEAD",
    ):
        assert said in out
    assert status() == before
