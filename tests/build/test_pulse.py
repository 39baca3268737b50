"""An engine that is stopped, and keeps its connections, holds up no run; one that only says nothing is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.build import pulse
from planner.build.pulse import Pulse
from tests.build.test_two_builders import both, daemons, wide
from tests.engine.buildkit import Buildkitd
from tests.engine.engine import Engine
from tests.workspace import IDENTITY


class Watched:
    """A pulse with short times; `there` is what the engine answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pulse, "QUIET", 0.1)
        monkeypatch.setattr(pulse, "PAUSE", 0.02)
        monkeypatch.setattr(pulse, "BACK", 0.2)
        monkeypatch.setattr(pulse, "BETWEEN", 0.01)
        self.there = True
        self.asked = 0
        self.gone = threading.Event()
        self.told: list[str] = []
        self.pulse = Pulse(self._answers, self.gone.set)

    def _answers(self) -> bool:
        self.asked += 1
        return self.there


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def test_an_engine_that_answers_is_never_given_up(watched: Watched) -> None:
    with watched.pulse.watched(watched.told.append):
        assert not watched.gone.wait(1.5)
    assert watched.asked > pulse.QUESTIONS


def test_an_engine_that_leaves_all_questions_open_is_given_up(watched: Watched) -> None:
    watched.there = False
    with watched.pulse.watched(watched.told.append):
        assert watched.gone.wait(10)
        assert watched.asked == pulse.QUESTIONS
    assert len(watched.told) == 1, "said once"
    assert "builds there are given up" in watched.told[0]


def test_an_engine_that_was_given_up_is_asked_before_it_gets_another_build(watched: Watched) -> None:
    pulse, told = watched.pulse, watched.told
    assert pulse.is_back(told.append, lambda: False)
    assert not watched.asked, "nobody doubts it"
    watched.there = False
    with pulse.watched(lambda _: None):
        assert watched.gone.wait(10)
    before = watched.asked
    assert not pulse.is_back(told.append, lambda: True), "nobody waits"
    assert watched.asked == before + 1
    assert not pulse.is_back(told.append, lambda: False)
    assert watched.asked > before + 2, "it may be on its way back"
    watched.there = True
    assert pulse.is_back(told.append, lambda: False)
    told.clear()
    assert pulse.is_back(told.append, lambda: False)
    assert not told


def test_news_count_as_much_as_answers(watched: Watched) -> None:
    watched.there = False
    with watched.pulse.watched(watched.told.append):
        for _ in range(40):
            watched.pulse.beat()
            time.sleep(0.04)
        assert not watched.gone.is_set()
    assert not watched.asked, "nobody asks an engine that talks"


def test_nothing_is_asked_once_nothing_is_built(watched: Watched) -> None:
    with watched.pulse.watched(watched.told.append), watched.pulse.watched(watched.told.append):
        pass
    before = watched.asked
    time.sleep(0.5)
    assert watched.asked == before
    watched.there = False
    with watched.pulse.watched(watched.told.append):
        assert watched.gone.wait(10), "it is watched again"


@pytest.fixture
def second(engine: Engine, tmp_path: Path) -> Iterator[Buildkitd]:
    with daemons(engine, engine.folder / f"second-{tmp_path.name}", ()) as (daemon,):
        yield daemon


IMPATIENT = """
import sys
from planner.build import pulse
from planner.cli.main import main
pulse.QUIET, pulse.PAUSE, pulse.QUESTIONS = 2.0, 0.1, 1
sys.exit(main())
"""


def test_the_work_of_a_stopped_engine_is_moved(tmp_path: Path, engine: Engine, second: Buildkitd) -> None:
    """The other one is asked as often while its step says nothing, and is left alone."""
    space = wide(tmp_path / "family", engine, 2, "sleep 8")
    space.build("base", "--builder", f"buildkit:{engine.address}")
    argv = [sys.executable, "-c", IMPATIENT, "-C", os.fspath(space.root), "build", "--jobs", "1", "--retries", "0"]
    run = subprocess.Popen(
        [*argv, "--builder", both(engine, second)],
        env={**os.environ, **IDENTITY, **engine.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    assert second.server is not None
    running = 0
    try:
        for line in run.stderr:
            running += "RUN sleep" in line
            if running == 2:
                break
        second.server.process.send_signal(signal.SIGSTOP)
        _, err = run.communicate(timeout=120)
    finally:
        second.server.process.send_signal(signal.SIGCONT)
        run.kill()
    assert run.returncode == 0, err
    assert err.count("went away, moved to another builder") == 1, err
    assert err.count(": built in") == 2


def test_a_lone_engine_that_was_stopped_is_asked_before_the_retry(
    tmp_path: Path, engine: Engine, second: Buildkitd
) -> None:
    space = wide(tmp_path / "family", engine, 1, "sleep 4")
    argv = [sys.executable, "-c", IMPATIENT, "-C", os.fspath(space.root), "build", "--retries", "1"]
    run = subprocess.Popen(
        [*argv, "--builder", f"buildkit:{second.address}"],
        env={**os.environ, **IDENTITY, **engine.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    assert second.server is not None
    said = []
    try:
        for line in run.stderr:
            said.append(line)
            if "RUN sleep" in line and "retry" not in "".join(said):
                second.server.process.send_signal(signal.SIGSTOP)
            if "did not answer before: asking it for 60 s at most" in line:
                second.server.process.send_signal(signal.SIGCONT)
        run.wait(timeout=120)
    finally:
        second.server.process.send_signal(signal.SIGCONT)
        run.kill()
    assert run.returncode == 0, said
    assert sum("does not answer: builds there are given up in" in line for line in said) == 1, said
    assert any("asking it for 60 s" in line for line in said), said


def test_doctor_tells_of_a_stopped_engine(engine: Engine, second: Buildkitd, tmp_path: Path) -> None:
    """Its socket takes connections all the same."""
    space = wide(tmp_path / "family", engine, 1, "true")
    assert second.server is not None
    second.server.process.send_signal(signal.SIGSTOP)
    try:
        run = space.planner("doctor", "--builder", f"buildkit:{second.address}", **engine.environment)
    finally:
        second.server.process.send_signal(signal.SIGCONT)
    assert f"buildkit:{second.address} does not answer within 8 s" in run.stdout
