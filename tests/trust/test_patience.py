"""Clients that are silent, slow or many keep nobody else from the token server, and say nothing of where they are."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from planner.trust.patience import patient
from planner.trust.server import application
from tests.trust.stack import running_server
from tests.trust.test_exchange import exchange

FORM = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that waits a second and a half for a request, and has four connections for each address."""
    config = uvicorn.Config(application(exchange()), http=patient(4, 1.5), log_level="critical")
    server = uvicorn.Server(config)
    # A port that is only looked for may be another's by the time the server takes it, which then ends without a word.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


@contextlib.contextmanager
def connected(port: int, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0)) as one:
        yield one


def lasted(one: socket.socket) -> float:
    """Seconds until the other side ends a connection, whatever it says before."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while one.recv(1 << 16):
            pass
    return time.monotonic() - began


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /he", b"GET / HTTP/1.1\r\nX: ", FORM + b"Content-Length: 9\r\n\r\nab", GET + b"GET /", GET * 3 + b"G"],
    ids=["silent", "line", "head", "body", "second", "fourth"],
)
def test_a_request_that_does_not_come_is_not_waited_for(port: int, begun: bytes) -> None:
    with connected(port) as one:
        one.sendall(begun)
        assert lasted(one) < (8 if begun.startswith(GET) else 4), "an answered client has five seconds to ask again"


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX: ", FORM + b"Content-Length: 999\r\n\r\n"])
def test_a_byte_now_and_then_buys_no_time(port: int, begun: bytes) -> None:
    with connected(port) as one:
        one.sendall(begun)
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 8:
                one.sendall(b"a")
                time.sleep(0.05)
        assert time.monotonic() - began < 4


def test_who_asks_again_and_again_stays_connected(port: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    client.connect()
    first = client.sock
    for _ in range(6):
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b"ok\n"
        time.sleep(0.4)
    assert client.sock is first
    client.close()


def test_of_one_address_there_are_only_so_many(port: int) -> None:
    with contextlib.ExitStack() as many:
        for _ in range(4):
            many.enter_context(connected(port))
        with connected(port) as more:
            assert lasted(more) < 1
        with connected(port, "127.0.0.2") as other:
            other.sendall(GET)
            assert other.recv(100).startswith(b"HTTP/1.1 200")
    time.sleep(0.1)
    with connected(port) as again:
        again.sendall(GET)
        assert again.recv(100).startswith(b"HTTP/1.1 200")


def test_the_command_serves_others_beside_the_silent_and_believes_no_address(tmp_path: Path) -> None:
    with running_server(tmp_path, "--rate=1") as (server, audit), contextlib.ExitStack() as silent:
        port = int(server.address.rpartition(":")[2])
        for number in range(600):
            one = silent.enter_context(connected(port))
            if number == 64:
                assert lasted(one) < 2
        with connected(port, "127.0.0.2") as other:
            other.sendall(GET)
            assert other.recv(100).startswith(b"HTTP/1.1 200")
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=("127.0.0.3", 0))
        statuses = set()
        for number in range(250):
            client.request("GET", "/token?service=x", headers={"X-Forwarded-For": f"10.9.9.{number}"})
            answer = client.getresponse()
            answer.read()
            statuses.add(answer.status)
        client.close()
        assert statuses == {400, 429}, "one client, whatever it says of itself"
        assert {json.loads(line)["client"] for line in audit.read_text().splitlines()} == {"127.0.0.3"}
