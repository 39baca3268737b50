"""`python -m tests.bench.trust`: the token server under load on loopback, beside a service that does nothing.

Half of the requests carry a right identity token, a quarter a forged one and a quarter none; each answer is compared
with the right one.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
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
    """One client with one connection: how long each answer took (seconds), and how many were wrong."""
    query = urllib.parse.urlencode([("service", issuing.AUDIENCE), *(("scope", scope) for scope in SCOPES)])
    tokens = [issuing.token("pr/17"), issuing.unsigned("main"), issuing.token("pr/17"), ""]
    headers = [
        {"Authorization": f"Basic {base64.b64encode(f'oidc:{token}'.encode()).decode()}"} if token else {}
        for token in tokens
    ]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    took: list[float] = []
    wrong = 0
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        which = len(took) % 4
        began = time.perf_counter()
        connection.request("GET", f"/token?{query}", headers=headers[which])
        answer = connection.getresponse()
        body = answer.read()
        took.append(time.perf_counter() - began)
        wrong += judged and not is_right(which, answer.status, body)
    return took, wrong


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
                found = measure(port, options.clients, options.seconds, name == "token server")
            finally:
                server.stop()
            rates[name] = found[0]
            print(
                f"{name}: {found[0]:.0f} requests/s, median {found[1]:.2f} ms, p99 {found[2]:.2f} ms, {found[3]} wrong"
            )
        print(f"token server / nothing: {rates['token server'] / rates['nothing']:.2f} ({os.cpu_count()} processors)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
