"""Engines' clients as processes: their output is read to its end, and no further than that."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from planner.build import processes
from planner.build.processes import Client, Clients
from planner.errors import BuilderError

LINGERING = """
import subprocess, sys
left = subprocess.Popen(["sleep", "60"], start_new_session={apart})
print(left.pid, file=sys.stderr, flush=True)
print("last words", file=sys.stderr, flush=True)
"""
CHATTY = 'import os; os.fork() or os.execlp("sh", "sh", "-c", "echo $$ >&2; while echo more >&2; do :; done")'


@contextmanager
def run(folder: Path, code: str, limit: float = 0.0) -> Iterator[Client]:
    with Clients(folder).started([sys.executable, "-c", code], os.environ, limit) as client:
        yield client


@contextmanager
def ended_by(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def runs(pid: int) -> bool:
    """Whether a process is there that is no zombie: nobody may take note of the end of what others left."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("apart", [True, False])
def test_what_a_client_leaves_running_does_not_hold_up_the_build(tmp_path: Path, *, apart: bool) -> None:
    with ended_by(30), run(tmp_path, LINGERING.format(apart=apart)) as client:
        pid, *rest = list(client.lines(1 << 20))
    os.kill(int(pid), signal.SIGKILL)
    assert rest == [b"last words\n"]


def test_nor_does_one_that_goes_on_to_talk(tmp_path: Path) -> None:
    with ended_by(30), run(tmp_path, CHATTY) as client:
        for line in client.lines(1 << 20):
            if line.strip().isdigit():
                pid = int(line)
        assert client.process.wait() == 0
    # Its pipe is closed, so that it ends at its next word.
    deadline = time.monotonic() + 30
    while runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_all_of_it_is_read_in_lines(tmp_path: Path) -> None:
    code = "import os; os.write(2, b'one\\n\\ntwo' + b'x' * 200_000 + b'\\nno end')"
    with run(tmp_path, code) as client:
        assert list(client.lines(1 << 20)) == [b"one\n", b"\n", b"two" + b"x" * 200_000 + b"\n", b"no end"]


def test_a_line_without_an_end_is_read_in_pieces(tmp_path: Path) -> None:
    with run(tmp_path, "import os; os.write(2, b'x' * 1_000_000)") as client:
        found = list(client.lines(1 << 16))
    assert len(found) > 5
    assert b"".join(found) == b"x" * 1_000_000


def test_a_client_that_says_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "AFTERWARDS", 0.1)
    code = "import sys, time; time.sleep(0.7); print('late', file=sys.stderr)"
    with run(tmp_path, code) as client:
        assert list(client.lines(1 << 20)) == [b"late\n"]


def test_one_that_is_cancelled_or_late_is_not_waited_for(tmp_path: Path) -> None:
    with ended_by(30), run(tmp_path, f"{LINGERING.format(apart=True)}\nimport time; time.sleep(60)", 0.5) as client:
        pid = int(next(iter(client.lines(1 << 20))))
        list(client.lines(1 << 20))
        assert client.late
    os.kill(pid, signal.SIGKILL)
    clients = Clients(tmp_path)
    with ended_by(30), clients.started([sys.executable, "-c", LINGERING.format(apart=True)], os.environ) as client:
        threading.Timer(0.3, clients.cancel).start()
        pid = int(next(iter(client.lines(1 << 20))))
        list(client.lines(1 << 20))
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("value", "told"),
    [("x" * 200_000, "(?s)buildx: cannot be run: Argument list too long.*128 KiB"), ("x\0", "holds a NUL character")],
)
def test_an_argument_that_no_process_takes_is_told_as_such(tmp_path: Path, value: str, told: str) -> None:
    """A Bake file may hold any."""
    with (
        pytest.raises(BuilderError, match=told),
        Clients(tmp_path).started(["buildx", f"--build-arg=A={value}"], os.environ),
    ):
        raise AssertionError("it was started")


@pytest.mark.parametrize("program", ["echo no such option >&2; exit 1", None])
def test_a_setpriv_that_knows_less_does_not_hinder_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None
) -> None:
    """As that of BusyBox, which most images of Alpine have."""
    if program is not None:
        (tmp_path / "setpriv").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "setpriv").chmod(0o755)
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    processes.ends_with_us.cache_clear()
    try:
        with run(tmp_path, "import os; os.write(2, b'built')") as client:
            assert list(client.lines(1 << 20)) == [b"built"]
            assert client.process.wait() == 0
    finally:
        processes.ends_with_us.cache_clear()
