"""How a command starts and ends: what is done while git is at work, what its end waits for, an output that is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner.cli import ahead, start
from planner.local.spawn import Asked
from tests.workspace import IDENTITY, Workspace

FAMILY = {"images.yaml": "version: 1\nimages:\n  one: {context: one}\n", "one/Dockerfile": "FROM scratch\nCOPY src /\n"}


class AtWork:
    """A git that uses so many threads at each look, and has answered when there are no more looks."""

    def __init__(self, *threads: int) -> None:
        self.left = list(threads)
        self.waited = 0

    def has_answered(self, *, within: int = 0) -> bool:
        if within:
            self.waited += 1
            self.left.pop(0)
        return not self.left

    def threads(self) -> int:
        return self.left[0]


def test_nothing_is_begun_while_git_needs_all_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_processors", lambda: 2)
    git = AtWork(3, 2, 1)
    done: list[int] = []
    ahead.load(git, [lambda: done.append(git.waited), lambda: done.append(git.waited)])
    assert done == [2, 2]


def test_no_step_is_begun_once_git_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_processors", lambda: 2)
    git = AtWork(1)
    done: list[str] = []
    ahead.load(git, [lambda: done.append("one"), git.left.clear, lambda: done.append("two")])
    assert done == ["one"]
    busy = AtWork(9, 9)
    ahead.load(busy, [lambda: done.append("three")])
    assert done == ["one"]
    assert busy.waited == 2


def test_a_real_git_tells_its_threads_and_when_it_has_answered(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.write(FAMILY)
    space.commit()
    release, held = os.pipe()
    git = Asked(os.fspath(tmp_path), ("-c", f"alias.held=!read line </proc/{os.getpid()}/fd/{release}; echo", "held"))
    assert not git.has_answered(within=50)
    if sys.platform == "linux":
        assert git.threads() == 1
    os.write(held, b"go on\n")
    assert git.has_answered(within=60_000)
    assert git.answer() == (0, b"\n")
    assert git.threads() == 0
    os.close(release)
    os.close(held)


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("command", [["plan", "--since", "HEAD", "--exit-code"], ["key"], ["graph"], ["--version"]])
def test_outputs_may_be_closed(tmp_path: Path, command: list[str], closed: tuple[int, ...]) -> None:
    space = Workspace(tmp_path)
    space.write({**FAMILY, "one/src": "a\n"})
    space.commit()
    space.write({"one/src": "edited\n"})
    shut = "".join(f" {number}>&-" for number in closed)
    argv = [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(tmp_path), *command]
    for _ in range(2):
        run = subprocess.run(
            ["sh", "-c", f'"$@"{shut}', "sh", *argv],
            env={**os.environ, **IDENTITY},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == (3 if command[0] == "plan" else 0), run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("command", [["plan", "--since", "HEAD"], ["key"], ["graph"], ["query", "//..."]])
def test_a_full_disk_is_no_traceback(tmp_path: Path, command: list[str]) -> None:
    """The first time an answer is found out, the second time it may be remembered."""
    space = Workspace(tmp_path)
    space.write({**FAMILY, "one/src": "a\n"})
    space.commit()
    for _ in range(2):
        with open("/dev/full", "w") as full:
            run = subprocess.run(
                [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(tmp_path), *command],
                env={**os.environ, **IDENTITY},
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert run.returncode == 1
        assert run.stderr.splitlines()[-1] == "planner: an output cannot be written: No space left on device"
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize("arguments", [("plan", "--since", "HEAD"), ("query", "//..."), ("plan", "--since", "nowhere")])
def test_a_process_that_ends_at_once_has_said_all(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    space = Workspace(tmp_path)
    space.write({**FAMILY, "one/src": "a\n"})
    space.commit()
    code = "from planner.cli.start import {0}; import sys; sys.exit({0}())"
    said = []
    for name in ("script", "main"):
        for _ in range(2):
            run = subprocess.run(
                [sys.executable, "-c", code.format(name), "-C", os.fspath(tmp_path), *arguments],
                env={**os.environ, **IDENTITY},
                capture_output=True,
                check=False,
            )
            said.append((run.returncode, run.stdout, run.stderr))
    assert len(set(said)) == 1
    assert said[0][1] or said[0][2]


IGNORING = (
    "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
    "os.execv(sys.executable, [sys.executable, '-m', 'planner.cli.start', *sys.argv[1:]])"
)


@pytest.mark.parametrize("command", [["plan", "--since", "HEAD"], ["key"], ["query", "//..."], ["build"]])
def test_a_parent_that_ignores_the_end_of_its_children(tmp_path: Path, command: list[str]) -> None:
    """Some do so (SIGCHLD), and pass it on: then nobody is told how a child ended, and a failure looks like success."""
    space = Workspace(tmp_path / "family")
    space.write({**FAMILY, "one/src": "a\n"})
    space.commit()
    space.write({"one/src": "b\n"})
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "buildx").write_text("#!/bin/sh\nexit 1\n")
    (bin_folder / "buildx").chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", IGNORING, "-C", os.fspath(space.root), *command],
        env={**os.environ, **IDENTITY, "PATH": f"{bin_folder}:{os.environ['PATH']}", "BUILDKIT_HOST": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in run.stderr
    assert run.returncode == (1 if command == ["build"] else 0), run.stderr
    if command == ["build"]:
        assert "does not answer: status 1" in run.stderr


INTERRUPTED = """
import os, signal, sys, threading, time
from planner.cli import start

def interrupt():
    time.sleep(float(sys.argv.pop(1)))
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
start.script()
"""


@pytest.mark.parametrize("command", [["graph"], ["plan", "--since", "HEAD"]])
def test_an_interrupt_at_any_moment_is_one_exit_status(tmp_path: Path, command: list[str]) -> None:
    """Also while modules load, where Python would tell of it line by line, and while it takes all apart at the end."""
    space = Workspace(tmp_path)
    space.write({**FAMILY, "one/src": "a\n"})
    space.commit()
    ended = set()
    for number in range(20):
        run = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, f"{number * 0.012 + 0.01}", "-C", os.fspath(tmp_path), *command],
            env={**os.environ, **IDENTITY},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.stderr == ""
        ended.add(run.returncode)
    assert ended <= {0, 130}
    assert 130 in ended


def test_an_interrupt_that_python_loses_is_made_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch waits for ever, and would go on to do so."""

    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(sys, "unraisablehook", start.raise_again)
    with pytest.raises(KeyboardInterrupt):
        Finalised()
        time.sleep(10)


def test_a_folder_that_was_removed_meanwhile(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    for command in ("plan", "build", "history"):
        code = f"import os; os.chdir({os.fspath(gone)!r}); os.rmdir({os.fspath(gone)!r}); os.execv(sys.executable, a)"
        argv = [sys.executable, "-m", "planner.cli.start", command]
        environment = {**os.environ, "PYTHONPATH": os.fspath(Path(start.__file__).parents[2]), "PYTHONSAFEPATH": "1"}
        run = subprocess.run(
            [sys.executable, "-c", f"import sys; a = {argv!r}; {code}"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        gone.mkdir()
        assert run.returncode == 1, run
        assert run.stderr.startswith("planner: the folder that this is started in cannot be told: No such file"), run


WHILE_A_CLASS_IS_MADE = """
from planner.cli import start

class Slow:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt

start.main = lambda: type("Made", (), {"name": Slow()})
start.script()
"""


def test_an_interrupt_while_a_class_is_made_is_one_too() -> None:
    """Python before 3.12 makes a RuntimeError of what comes there."""
    run = subprocess.run([sys.executable, "-c", WHILE_A_CLASS_IS_MADE], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (130, "")
