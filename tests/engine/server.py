"""Starts a server in the background, waits until it answers, and ends it by its process id.

The server gets a session of its own, so that Ctrl-C reaches only us and we end servers in order, and a death signal,
so that none outlives us when we are killed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

READY_SECONDS = 30.0
STOP_SECONDS = 15.0
LOG_LINES = 25


class ServerFailed(Exception):
    """A server that did not start, with the end of its log."""

    def __init__(self, name: str, problem: str, log: Path) -> None:
        super().__init__(name, problem, log)
        self.name, self.problem, self.log = name, problem, log

    def __str__(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        except OSError:
            lines = []
        return "\n  ".join([f"{self.name} {self.problem}; the end of its log:", *(lines or ["(empty)"])])


class Server:
    """A child process with a log file. `ready` looks at the log and the world, and is asked until it says yes."""

    def __init__(
        self, argv: list[str], *, log: Path, ready: Callable[[str], bool], environment: dict[str, str] | None = None
    ) -> None:
        self.name, self.log, self.ready = Path(argv[0]).name, log, ready
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise ServerFailed(self.name, "needs setpriv (Debian: util-linux) to die with its parent", log)
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [setpriv, "--pdeathsig", "TERM", "--", *argv],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not self.ready(self.log.read_text(errors="replace")):
            if self.process.poll() is not None:
                raise ServerFailed(self.name, f"ended with {self.process.returncode} before it was ready", self.log)
            if time.monotonic() > deadline:
                self.stop()
                raise ServerFailed(self.name, f"was not ready after {seconds:.0f} s", self.log)
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
