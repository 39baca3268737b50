"""Runs engines' clients as processes that can be ended: all of them at once, or one that takes too long."""

from __future__ import annotations

import contextlib
import errno
import functools
import math
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from planner.errors import BuilderError
from planner.model.image import WITHHELD
from planner.ports import BuildCancelled

GRACE = 10.0
"""Seconds that a process has to end by itself after it was asked to."""
AFTERWARDS = 1.0
"""Seconds for which the output of a process that has ended is read on, where something that it left holds it open."""
LOOK = 0.1
"""Seconds without output after which a process is asked whether it has ended."""
_CHUNK = 1 << 16


@functools.cache
def ends_with_us() -> tuple[str, ...]:
    """Words that have the kernel interrupt a build whose planner was killed; () where nothing here can.

    It is tried, since the setpriv of BusyBox and of util-linux before 2.33 refuses them.
    """
    words = ("setpriv", "--pdeathsig", "INT")
    try:
        tried = subprocess.run(
            [*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=GRACE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return () if tried.returncode else words


class Client:
    """A running process. `late` and `lost` say whether it was ended: it took too long, or its engine was gone."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.late = False
        self.lost = False

    @property
    def said(self) -> IO[bytes]:
        """Its standard error."""
        assert self.process.stderr is not None  # noqa: S101 -- a pipe was asked for; tells mypy
        return self.process.stderr

    def lines(self, longest: int) -> Iterator[bytes]:
        """Its standard error by lines, with their ends; one that is longer than `longest` comes in pieces.

        They end with the process, which may have left others that never close the pipe.
        """
        rest = b""
        for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line + b"\n" for line in whole)
            if len(rest) >= longest:
                yield rest
                rest = b""
        if rest:
            yield rest

    def _chunks(self) -> Iterator[bytes]:
        pipe = self.said.fileno()
        ready = select.poll()
        ready.register(pipe, select.POLLIN)
        enough = 0.0
        while True:
            if self.process.poll() is not None:
                enough = enough or time.monotonic() + AFTERWARDS
                if time.monotonic() >= enough:
                    return
            if ready.poll(LOOK * 1000):
                if not (chunk := os.read(pipe, _CHUNK)):
                    return
                yield chunk

    def end(self) -> None:
        """Ask it to end, and kill it when it has not after a while. It tells its engine, which ends the build too."""
        _signal(self.process, signal.SIGINT)
        timer = threading.Timer(GRACE, _signal, (self.process, signal.SIGKILL))
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """End it at once; its engine ends the build when the connection breaks."""
        _signal(self.process, signal.SIGKILL)

    def _end_late(self) -> None:
        self.late = True
        self.end()

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """End it after so many seconds; 0 is no limit."""
        timer = threading.Timer(seconds, self._end_late)
        timer.daemon = True
        if seconds:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()


class Clients:
    """All processes of one builder. May be used from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cancelled = False
        self._running: set[Client] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def started(self, argv: Sequence[str], environment: Mapping[str, str], limit: float = 0.0) -> Iterator[Client]:
        """A process in a group of its own, so that Ctrl-C reaches it through `cancel` only.

        It is ended after `limit` seconds, and killed if it still runs at the end of the block.
        Raises BuildCancelled, and BuilderError where it cannot be started.
        """
        with self._lock:
            if self.cancelled:
                raise BuildCancelled
            try:
                process = subprocess.Popen(
                    [*ends_with_us(), *argv],
                    cwd=self.folder,
                    env={name: value for name, value in environment.items() if name not in WITHHELD},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except ValueError as error:
                raise BuilderError("an argument, a label or an option of the image holds a NUL character") from error
            except OSError as error:
                hint = "\n  Linux takes 128 KiB for one build argument or label" if error.errno == errno.E2BIG else ""
                raise BuilderError(f"{argv[0]}: cannot be run: {error.strerror}{hint}") from error
            client = Client(process)
            self._running.add(client)
        try:
            with client.limited(limit):
                yield client
        finally:
            if process.poll() is None:
                client.kill()
                process.wait()
            client.said.close()
            with self._lock:
                self._running.discard(client)

    def lose(self) -> None:
        """End all that run now, since their engine is gone."""
        with self._lock:
            running = list(self._running)
        for client in running:
            client.lost = True
            client.end()

    def cancel(self) -> None:
        """End all, and start none any more. The first call asks, the second kills at once."""
        with self._lock:
            running = list(self._running)
            again, self.cancelled = self.cancelled, True
        for client in running:
            if again:
                client.kill()
            else:
                client.end()


class Questions:
    """What engines are asked, each time by a process that answers soon. May be used from several threads.

    None takes more than `longest` seconds.
    """

    def __init__(self, longest: float = math.inf) -> None:
        self._longest = longest
        self._ended = False
        self._asked: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def ask(self, argv: Sequence[str], environment: Mapping[str, str], limit: float) -> tuple[int, bytes, bytes]:
        """The exit status and both outputs. Raises BuildCancelled, OSError, TimeoutExpired after `limit`."""
        with self._lock:
            if self._ended:
                raise BuildCancelled
            process = subprocess.Popen(
                argv,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self._asked.add(process)
        try:
            out, err = process.communicate(timeout=min(limit, self._longest))
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            with self._lock:
                self._asked.discard(process)
        if self._ended:
            raise BuildCancelled
        return process.returncode, out, err

    def end(self) -> None:
        """Ask nothing more, and wait for no answer."""
        with self._lock:
            self._ended = True
            for process in self._asked:
                process.kill()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Without effect on one that has ended: its number may be another's by now."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
