"""The demo shows the main job, and leaves the checkout as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.demo.__main__ import show
from tests.engine.engine import Engine

CHECKOUT = Path(__file__).parents[2]


def status() -> str:
    run = subprocess.run(["git", "status", "--porcelain"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return run.stdout


def test_shows_the_main_job(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    before = status()
    show({**engine.environment, "MIRROR": engine.mirror})
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
