"""Whoever is interrupted, or fails, waits for no registry that is silent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from planner.system.threads import Threads
from tests.workspace import IDENTITY, Workspace


@pytest.fixture
def silent() -> Iterator[tuple[str, threading.Event]]:
    """The address of a registry that answers its first client, and no other one; and whether a second one came."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        asked = threading.Event()
        kept: list[socket.socket] = []

        def answer(client: socket.socket) -> None:
            while client.recv(1 << 16) and not asked.is_set():
                client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        def accept() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return
                if len(kept) > 1:
                    asked.set()
                else:
                    threading.Thread(target=answer, args=(kept[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
        for client in kept:
            client.close()


@pytest.mark.parametrize("command", [("plan", "--against", "published"), ("build", "--push"), ("gc",)])
def test_an_interrupt_ends_a_command_that_waits_for_a_registry(
    tmp_path: Path, silent: tuple[str, threading.Event], command: tuple[str, ...]
) -> None:
    address, asked = silent
    space = Workspace(tmp_path)
    images = "".join(f"  i{n}: {{dockerfile: D, args: {{N: '{n}'}}}}\n" for n in range(40))
    space.write({"images.yaml": f"version: 1\nregistry: {address}/fam\nimages:\n{images}"})
    space.write({"D": "FROM scratch\nARG N\nLABEL n=$N\nCOPY f /\n", "f": "x"})
    space.commit()
    argv = [sys.executable, "-m", "planner", "-C", os.fspath(space.root), *command]
    run = subprocess.Popen(argv, env={**os.environ, **IDENTITY}, stderr=subprocess.PIPE, text=True)
    try:
        assert asked.wait(60)
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=15)
    finally:
        run.kill()
    assert run.returncode == 130


def test_all_is_done_in_order_by_so_many_threads() -> None:
    names: set[str] = set()

    def double(number: int) -> int:
        names.add(threading.current_thread().name)
        return 2 * number

    with Threads(3) as threads:
        assert list(threads.map(double, range(100))) == [2 * number for number in range(100)]
    assert 1 <= len(names) <= 3
    with pytest.raises(RuntimeError):
        threads.submit(double, 1)


def test_what_has_not_begun_when_something_fails_never_does() -> None:
    begun: list[int] = []
    go = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number:
            go.wait()
            return
        raise ValueError(number)

    threads = Threads(2)
    futures = []
    with pytest.raises(ValueError, match="0"), threads:
        futures = [threads.submit(work, number) for number in range(50)]
        timer = threading.Timer(0.2, go.set)
        timer.start()
        futures[0].result()
    assert len(begun) < 50
    with pytest.raises(CancelledError):
        futures[-1].result()
