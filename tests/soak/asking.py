"""Runs the planner as the command line would, without starting Python anew each time.

What is not to be killed runs in this process. What may be killed runs in a fork of a process that has loaded the
planner, and does nothing else.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

LOADED = (
    "planner.cli.build",
    "planner.cli.building",
    "planner.cli.main",
    "planner.cli.published",
    "planner.cli.start",
    "planner.build.buildx",
    "planner.local.look",
    "planner.registry.client",
    "planner.registry.leases",
    "planner.registry.records",
    "planner.sources.yaml_file",
)
"""What a build loads; a fork has it already."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a run ended: its exit status (minus the signal that killed it), what it said, its peak memory (bytes)."""

    status: int
    out: str
    err: str
    memory: int = 0


def asked(folder: Path, environment: Mapping[str, str], *words: str) -> Said:
    """Run one command of the planner in this process."""
    from planner.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment),
        patch.object(sys, "argv", ["planner", "-C", os.fspath(folder), *words]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        status = main()
    return Said(status=status, out=out.getvalue(), err=err.getvalue())


class Forks:
    """A process that has loaded the planner, and forks once for each run. One run at a time."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._out, self._err = folder / "out", folder / "err"
        folder.mkdir(parents=True)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.asking"],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, *words: str, kill_after: float = 0.0) -> Said:
        """Run one command of the planner, and kill it after so many seconds, 0 for never."""
        argv = ["planner", "-C", os.fspath(folder), *words]
        pid = int(self._ask({"argv": argv, "out": os.fspath(self._out), "err": os.fspath(self._err)})["pid"])
        timer = threading.Timer(kill_after, _kill, (pid,))
        if kill_after:
            timer.start()
        ended = self._read()
        timer.cancel()
        return Said(
            status=int(ended["status"]),
            out=self._out.read_text(errors="replace"),
            err=self._err.read_text(errors="replace"),
            memory=int(ended["memory"]),
        )

    def _ask(self, question: Mapping[str, Any]) -> Any:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._server.stdout is not None
        return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        """End the process; it waits for a run that is going on."""
        self._server.communicate()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def serve() -> int:
    """Fork for each line of standard input; tell the process, and how it ended. Gives the status of a fork."""
    for name in LOADED:
        importlib.import_module(name)
    while line := sys.stdin.readline():
        question = json.loads(line)
        pid = os.fork()
        if not pid:
            return _run(question)
        print(json.dumps({"pid": pid}), flush=True)
        _, status, usage = os.wait4(pid, 0)
        ended = {"status": os.waitstatus_to_exitcode(status), "memory": usage.ru_maxrss << 10}
        print(json.dumps(ended), flush=True)
    return 0


def _run(question: Mapping[str, Any]) -> int:
    from planner.cli.start import main

    for place, stream in ((os.devnull, 0), (question["out"], 1), (question["err"], 2)):
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(handle, stream)
        os.close(handle)
    sys.argv = list(question["argv"])
    return main()


if __name__ == "__main__":
    sys.exit(serve())
