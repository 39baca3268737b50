"""Fixtures that several rooms share. An engine starts with the first test that asks for it."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import settings

from tests.build.family import FILES, BuildSpace, Family
from tests.engine.docker import DockerEngine, running_docker
from tests.engine.engine import Engine, running_engine
from tests.registry.faults import Proxy, faulty
from tests.surroundings import IN_CI  # before any test: the variables of a CI are taken away

# How long an example may take says more of the machine than of the code; a CI draws the same examples each time.
settings.register_profile("untimed", deadline=None, derandomize=IN_CI)
settings.load_profile("untimed")


# What a shell without job control starts in its background ignores interrupts, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

START_SECONDS = 300.0
"""For which tests may be collected, which takes a few seconds: the time limit of tests holds for none of it."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """A start that hangs ends, and says where it was. What only hands tests out (pytest-xdist) collects none."""
    if session.config.getoption("dist", "no") != "no" and not hasattr(session.config, "workerinput"):
        return
    faulthandler.dump_traceback_later(
        START_SECONDS, exit=True, file=session.config.stash.get(fault_handler_stderr_fd_key, 2)
    )


def pytest_collection_finish() -> None:
    """It has started."""
    faulthandler.cancel_dump_traceback_later()


def pytest_runtest_setup() -> None:
    """What a command said once it says no more in its process; tests that call commands in theirs begin anew."""
    asides = sys.modules.get("planner.cli.asides")
    if asides is not None:
        asides.said_so_far.clear()


MIRRORED = Path(__file__).parents[1] / "graphs" / "benchmark-suite" / "mirror.txt"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """buildkitd and a registry that stands in for Docker Hub; a test that needs them fails where they do not start."""
    with running_engine(MIRRORED.read_text().split()) as running:
        yield running


@pytest.fixture
def proxy(engine: Engine) -> Iterator[Proxy]:
    """The engine's registry, reached through what can fail."""
    with faulty(engine.registry.address) as running:
        yield running


@pytest.fixture
def prefix(engine: Engine, tmp_path: Path) -> str:
    """Where one test alone keeps images."""
    return f"{engine.registry.address}/{_component(tmp_path)}"


@pytest.fixture
def behind(proxy: Proxy, tmp_path: Path) -> str:
    """The same behind the proxy."""
    return f"{proxy.address}/{_component(tmp_path)}"


def _component(folder: Path) -> str:
    return folder.name.replace("_", "-").lower()[-40:].strip("-")


@pytest.fixture
def family(tmp_path: Path, engine: Engine) -> Family:
    """Makes the small family of `tests.build.family`, with some of its files changed, in a workspace that builds."""

    def make(**changed: str) -> BuildSpace:
        space = BuildSpace(tmp_path / "family", engine)
        space.write({**FILES, **{path.replace("__", "."): text for path, text in changed.items()}})
        space.commit()
        return space

    return make


@pytest.fixture(scope="session")
def docker_engine(engine: Engine) -> Iterator[DockerEngine]:
    """A Docker Engine with containerd's image store; the registry of `engine` is its Docker Hub."""
    with running_docker(engine, "containerd") as running:
        yield running


@pytest.fixture(scope="session")
def classic_docker_engine(engine: Engine) -> Iterator[DockerEngine]:
    """A Docker Engine with the image store of old, in which an image has no digest until it is pushed."""
    with running_docker(engine, "classic") as running:
        yield running
