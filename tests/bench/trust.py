"""`python -m tests.bench.trust`: the token server under load on loopback, beside a service that does nothing.

Half of the requests carry a right identity token, a quarter a forged one and a quarter none; each answer is compared
with the right one.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.engine.server import Server
from tests.trust import issuing
from tests.trust.stack import POLICY, answers, free_port

SCOPES = ("repository:cache/pr/17/base:pull,push", "repository:cache/main/base:pull,push")
RIGHT = {"cache/pr/17/base": ["pull", "push"], "cache/main/base": ["pull"]}
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
EMPTY = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def nothing(request): return JSONResponse({"token": ""})
uvicorn.run(Starlette(routes=[Route("/token", nothing)]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning",
            access_log=False)
"""


def load(port: int, seconds: float, number: int, judged: bool) -> tuple[list[float], int]:
    """One client with one connection: how long each answer took (seconds), and how many were wrong.

    Requests are made before, and answers are read with as little as is right, since clients share the processors.
    """
    query = urllib.parse.urlencode([("service", issuing.AUDIENCE), *(("scope", scope) for scope in SCOPES)])
    tokens = [issuing.token("pr/17"), issuing.unsigned("main"), issuing.token("pr/17"), ""]
    sent = [request(query, token) for token in tokens]
    took: list[float] = []
    wrong = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends:
            which = len(took) % 4
            began = time.perf_counter()
            connection.sendall(sent[which])
            status, body = answer(connection)
            took.append(time.perf_counter() - began)
            wrong += judged and not is_right(which, status, body)
    return took, wrong


def request(query: str, token: str) -> bytes:
    basic = base64.b64encode(f"oidc:{token}".encode()).decode()
    login = f"Authorization: Basic {basic}\r\n" if token else ""
    return f"GET /token?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{login}\r\n".encode()


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """The status and body of one answer, which tells its length."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    found = LENGTH.search(head)
    assert found is not None, head
    while len(body) < int(found[1]):
        body += received(connection)
    return int(head[9:12]), body


def received(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    assert data, "the server closed the connection"
    return data


def is_right(which: int, status: int, body: bytes) -> bool:
    if which == 1:
        return status == 401
    granted = {one["name"]: one["actions"] for one in issuing.opened(json.loads(body)["token"])["access"]}
    return status == 200 and granted == (RIGHT if which != 3 else {"cache/main/base": ["pull"]})


def measure(port: int, clients: int, seconds: float, judged: bool) -> tuple[float, float, float, int]:
    """Requests a second, median and 99th percentile in milliseconds, and wrong answers."""
    with ProcessPoolExecutor(clients) as pool:
        results = list(pool.map(load, [port] * clients, [seconds] * clients, range(clients), [judged] * clients))
    took = sorted(one for times, _ in results for one in times)
    wrong = sum(count for _, count in results)
    return len(took) / seconds, statistics.median(took) * 1000, took[int(len(took) * 0.99)] * 1000, wrong


def spent(server: Server) -> float:
    """Seconds of processor time of a server so far, which other work on the machine hardly changes."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def served(folder: Path, start: Callable[[int], list[str]]) -> tuple[Server, int]:
    port = free_port()
    server = Server(start(port), log=folder / f"{port}.log", ready=lambda _: answers(port))
    server.wait_until_ready()
    return server, port


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "policy.yaml").write_text(POLICY.format(address="registry.acme.example"))
        (folder / "issuer").write_text(issuing.key_set())
        planner = [sys.executable, "-m", "planner.cli.main", "token-server"]
        subprocess.run([*planner, "init", f"--keys={folder}/keys"], check=True, capture_output=True)
        words = [f"--policy={folder}/policy.yaml", f"--keys={folder}/keys", f"--issuer-keys=github={folder}/issuer"]
        words += ["--rate=1000000", "--uses=100000000", f"--audit={folder}/audit"]
        ours = lambda port: [*planner, "serve", *words, f"--listen=127.0.0.1:{port}"]  # noqa: E731
        empty = lambda port: [sys.executable, "-c", EMPTY, str(port)]  # noqa: E731
        rates: dict[str, float] = {}
        for name, start in (("nothing", empty), ("token server", ours)):
            server, port = served(folder, start)
            try:
                before = spent(server)
                found = measure(port, options.clients, options.seconds, name == "token server")
                cost = (spent(server) - before) / (found[0] * options.seconds) * 1000
            finally:
                server.stop()
            rates[name] = found[0]
            times = f"median {found[1]:.2f} ms, p99 {found[2]:.2f} ms"
            print(f"{name}: {found[0]:.0f} requests/s, {times}, {cost:.2f} ms of processor each, {found[3]} wrong")
        share = rates["token server"] / rates["nothing"]
        print(f"token server / nothing: {share:.2f} ({os.cpu_count()} processors, load {os.getloadavg()[0]:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
