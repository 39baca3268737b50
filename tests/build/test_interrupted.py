"""Ctrl-C while engines are looked for: nothing is waited for, and nothing that was asked goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.build.stand_in import StandIn, is_running
from tests.build.test_failures import wait_until
from tests.workspace import IDENTITY, Workspace

FAMILY = {"images.yaml": "version: 1\nimages:\n  one: {context: one}\n", "one/Dockerfile": "FROM scratch\nCOPY src /\n"}


@pytest.mark.parametrize("builders", ["buildx:stand-in", "buildx:stand-in,buildx:other"])
def test_an_interrupt_while_engines_are_looked_for(tmp_path: Path, builders: str) -> None:
    space = Workspace(tmp_path / "family")
    space.write({**FAMILY, "one/src": "a\n"})
    engine = StandIn(tmp_path / "bin", answers_in=25.0)
    process = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "build"],
        env={**os.environ, **IDENTITY, **engine.environment, "PLANNER_BUILDER": builders},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(engine.asked.exists)
        time.sleep(1.0)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert time.monotonic() - began < 10
        assert process.returncode == 130
        assert "Traceback" not in err
        assert "Exception" not in err
        assert not is_running(engine.asked)
    finally:
        process.kill()
        process.wait()
