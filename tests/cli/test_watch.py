"""Watch: each change renews the plan, mistakes are said and watched on, and with --build what is planned is built."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from planner.cli import interrupts
from tests.build.family import Family
from tests.build.stand_in import StandIn, is_running
from tests.build.test_failures import wait_until
from tests.plan.edits import write_family
from tests.workspace import IDENTITY, Workspace


class Watched:
    """What a running `planner watch` prints, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: queue.Queue[str] = queue.Queue()
        assert process.stdout is not None
        threading.Thread(target=lambda: [self.lines.put(line) for line in process.stdout or ()], daemon=True).start()

    def until(self, text: str) -> list[str]:
        """The lines up to one that holds this text; fails when it does not come within a minute."""
        seen: list[str] = []
        while True:
            try:
                seen.append(self.lines.get(timeout=60))
            except queue.Empty:
                raise AssertionError("".join(seen)) from None
            if text in seen[-1]:
                return seen


@contextmanager
def watching(space: Workspace, *arguments: str, **environment: str) -> Iterator[Watched]:
    process = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(space.root), "watch", *arguments],
        env={**os.environ, **IDENTITY, "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Watched(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    write_family(workspace.root, hidden=True)
    workspace.commit()
    return workspace


def test_each_change_renews_the_plan(space: Workspace) -> None:
    with watching(space, "--since", "HEAD") as watched:
        watched.until("0 of 5 images rebuild against HEAD")
        watched.until("watching")
        space.write({"docs/index.md": "edited\n"})
        seen = watched.until("images rebuild against HEAD")
        assert any("file changed: docs/index.md changed" in line for line in seen)
        watched.until("watching")
        space.write({"ignored/lost.txt": "edited\n"})
        text = (space.root / "images.yaml").read_text()
        space.write({"images.yaml": text + "  broken: {contxt: .}\n"})
        watched.until('did you mean "context"?')
        space.write({"images.yaml": text})
        watched.until("rebuild against HEAD")
        watched.until("watching")
        space.commit()
        watched.until("0 of 5 images rebuild against HEAD")


def test_what_is_taken_over_is_what_would_be_found_anew(space: Workspace) -> None:
    """After a series of edits the screen says what a new process says."""
    edits = ({"scripts/setup.sh": "one\n"}, {"src/new.c": "int n;\n"}, {"docs/index.md": "d\n", "LICENSE": "l\n"})
    with watching(space, "--since", "HEAD") as watched:
        watched.until("watching")
        for edit in edits:
            space.write(edit)
            seen = watched.until("watching")
            while not watched.lines.empty():
                seen = watched.until("watching")
            fresh = space.planner("plan", "--since", "HEAD").stdout
            assert "".join(seen).partition("\n\nwatching")[0] == fresh.rstrip("\n")


@pytest.mark.parametrize("where", ["", "inner"])
def test_a_revision_that_moves_renews_the_plan(tmp_path: Path, where: str) -> None:
    """A fetch moves what is compared with, and no file of the workspace; git's folder may stand above it."""
    repository = Workspace(tmp_path / "repository")
    folder = repository.root / where
    write_family(folder, hidden=True)
    repository.commit()
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.write({f"{where or '.'}/docs/index.md": "edited\n"})
    repository.commit()
    with watching(Workspace(folder, init=False), "--since", "origin/main") as watched:
        watched.until("2 of 5 images rebuild against origin/main")
        watched.until("watching")
        repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
        watched.until("0 of 5 images rebuild against origin/main")
        watched.until("watching")
        repository.git("update-ref", "-d", "refs/remotes/origin/main")
        watched.until('there is no revision "origin/main"')


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_loses_is_remembered() -> None:
    """What is raised in a finaliser is printed and forgotten."""

    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with interrupts.remembered() as interrupted:
        assert not interrupted()
        Finalised()
        assert interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_builds_after_each_change(family: Family) -> None:
    made = family()
    with watching(made, "--build", "side", **made.engine.environment) as watched:
        watched.until("2 built")
        made.write({"side.Dockerfile": "FROM ubuntu:22.04\nRUN echo other > /side\n"})
        watched.until("1 built")


def test_no_module_of_the_folder_is_run_by_its_builds(space: Workspace, tmp_path: Path) -> None:
    engine = StandIn(tmp_path / "bin")
    space.write({"argparse.py": "raise SystemExit('a module of the workspace was run')\n"})
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "planner.cli.start", "watch", "--build", "app"],
        cwd=space.root,
        env={
            **os.environ,
            **IDENTITY,
            "NO_COLOR": "1",
            **engine.environment,
            "PYTHONPATH": ":".join(filter(None, sys.path)),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(engine.begun.exists)
        os.killpg(process.pid, signal.SIGINT)
        assert "of the workspace" not in process.communicate(timeout=30)[0]
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("interrupts", [1, 2])
def test_an_interrupt_lets_the_build_end_in_order(space: Workspace, tmp_path: Path, interrupts: int) -> None:
    """A terminal interrupts the watch and its build alike; the build has its own time to end, and says so."""
    engine = StandIn(tmp_path / "bin", ends_in=1.0 if interrupts == 1 else 60.0)
    process = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "watch", "--build", "app"],
        env={**os.environ, **IDENTITY, "NO_COLOR": "1", **engine.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(engine.begun.exists)
        for _ in range(interrupts):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.7)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 0, out
        assert "Traceback" not in out
        assert "skipped" in out
        last = (space.root / ".planner" / "journal.jsonl").read_text().splitlines()[-1]
        assert json.loads(last)["interrupted"] is True
        assert not is_running(engine.begun)
    finally:
        process.kill()
        process.wait()


def test_a_watch_that_is_told_to_end_leaves_no_build_behind(space: Workspace, tmp_path: Path) -> None:
    engine = StandIn(tmp_path / "bin", ends_in=0.1)
    process = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "watch", "--build", "app"],
        env={**os.environ, **IDENTITY, "NO_COLOR": "1", **engine.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(engine.begun.exists)
        process.terminate()
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 143, out
        assert "skipped" in out
        assert not is_running(engine.begun)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("words", "message"), [(("nope",), 'no image is named "nope"'), (("--since", "nope"), "there is no revision")]
)
def test_what_no_edit_would_make_right_ends_it(space: Workspace, words: tuple[str, ...], message: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(space.root), "watch", *words],
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, message in run.stderr) == (1, True)
