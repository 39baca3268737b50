"""Failures that may pass are tried again, others are not; a build that takes too long is stopped on the engine too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.build.family import BuildSpace, Family
from tests.build.test_failures import sleeping, wait_until
from tests.engine.buildkit import Buildkitd
from tests.engine.engine import Engine
from tests.registry.faults import Fault, faulty
from tests.workspace import IDENTITY

MARK = str(2_000_000 + 10 * os.getpid())


@contextmanager
def starting(space: BuildSpace, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A build that runs beside the test."""
    run = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "build", *arguments],
        env={**os.environ, **IDENTITY, **space.engine.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def said_until(run: subprocess.Popen[str], text: str) -> str:
    """What a run has said when it says this."""
    assert run.stderr is not None
    said = ""
    giving_up = threading.Timer(60, run.kill)
    giving_up.start()
    for line in run.stderr:
        said += line
        if text in line:
            giving_up.cancel()
            return said
    raise AssertionError(f"it never said {text}:\n{said}")


def journal(space: BuildSpace) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (space.root / ".planner/journal.jsonl").read_text().splitlines()]


def test_a_registry_that_fails_for_a_while_is_asked_again(family: Family, engine: Engine, tmp_path: Path) -> None:
    engine.seed(["passing:1"], folder="retries")
    with faulty(engine.registry.address) as proxy:
        space = family(base__Dockerfile=f"FROM {proxy.address}/retries/passing:1\nRUN echo > /made.txt\n")
        proxy.arm(Fault.CUT_BEFORE, at=0, times=10_000)
        with starting(space, "base", "--format", "json") as failing:
            said_until(failing, "base: retry 1 of 2 in ")
            proxy.arm(None)
            out, err = failing.communicate(timeout=120)
        assert failing.returncode == 0, err
        (image,) = [one for one in json.loads(out)["images"] if one["name"] == "base"]
        assert image["outcome"] == "built"
        assert len(image["retries"]) == 1
        assert "EOF" in image["retries"][0]["reason"]
        assert [one["event"] for one in journal(space)].count("retry") == len(image["retries"])

        space.write({"base.Dockerfile": f"FROM {proxy.address}/retries/passing:1\nRUN echo 2 > /made.txt\n"})
        proxy.arm(Fault.CUT_BEFORE, at=0, times=10_000)
        run = space.planner("build", "base", "--retries", "0", **engine.environment)
        assert run.returncode == 1
        assert "retry" not in run.stderr


def test_a_step_that_fails_is_never_tried_again(family: Family) -> None:
    step = "RUN echo x >> /x; echo dial tcp 127.0.0.1:1: connect: connection refused >&2; exit 1"
    space = family(base__Dockerfile=f"FROM ubuntu:22.04\n{step}\n")
    found = space.build("base", status=1)
    assert found["base"]["outcome"] == "failed"
    assert found["base"]["retries"] == []


@pytest.mark.parametrize("text", ["0", "-1", "soon", "8d", "1.5", "9999h"])
def test_a_time_that_is_none_is_refused(family: Family, text: str) -> None:
    run = family().planner("build", f"--timeout-per-image={text}")
    assert run.returncode == 2
    assert "is a time of at least a second" in run.stderr


def test_a_build_that_takes_too_long_is_stopped_on_the_engine_too(family: Family) -> None:
    space = family(
        app__Dockerfile=f"FROM ubuntu:22.04\nRUN echo before; sleep {MARK}\n",
        side__Dockerfile="FROM ubuntu:22.04\nRUN echo side > /side\n",
    )
    began = time.monotonic()
    run = space.planner(
        "build", "app", "side", "-k", "--timeout-per-image", "10s", "--format", "json", **space.engine.environment
    )
    assert time.monotonic() - began < 60
    assert run.returncode == 1
    assert "app: failed" in run.stderr
    assert f"RUN echo before; sleep {MARK}" in run.stderr
    assert "took longer than 10 s, so it was stopped" in run.stderr
    assert "| before" in run.stderr
    outcomes = {one["name"]: one for one in json.loads(run.stdout)["images"]}
    assert outcomes["app"]["outcome"] == "failed"
    assert outcomes["app"]["retries"] == [], "it would take as long again"
    assert outcomes["side"]["outcome"] == "built"
    wait_until(lambda: not sleeping(MARK))


def test_an_engine_that_is_killed_and_comes_back_goes_on(family: Family, engine: Engine, tmp_path: Path) -> None:
    mirror = engine.registry.address
    daemon = Buildkitd(engine.programs, engine.folder / f"own{os.getpid()}", registries=(mirror,), mirror=mirror)
    daemon.start()
    try:
        space = family(app__Dockerfile="FROM ubuntu:22.04\nRUN sleep 4; echo app > /app\n")
        with starting(space, "app", "--retries", "4", "--builder", f"buildkit:{daemon.address}") as run:
            said_until(run, "RUN sleep")
            daemon.kill()
            daemon.start()
            out, more = run.communicate(timeout=120)
        assert run.returncode == 0, more
        assert "app: retry 1 of 4 in " in more
        assert "built" in out
    finally:
        daemon.stop()
