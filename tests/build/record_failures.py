"""Provokes failures of a real BuildKit and records what buildx says of them.

python -m tests.build.record_failures [NAME …] writes tests/build/recorded/transient and …/lasting anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.engine.buildkit import Buildkitd
from tests.engine.engine import Engine, running_engine
from tests.engine.workfolder import work_folder
from tests.registry.faults import Fault, Proxy, faulty

RECORDED = Path(__file__).parent / "recorded"
RUN = "FROM {base}\nRUN {command}\n"


class Bench:
    """A BuildKit of its own, a registry behind a proxy, and a folder to build in."""

    def __init__(self, engine: Engine, proxy: Proxy, folder: Path) -> None:
        self.engine, self.proxy, self.folder = engine, proxy, folder
        self.daemon = Buildkitd(
            engine.programs, folder / "bk", registries=(engine.registry.address,), mirror=engine.registry.address
        )
        self.daemon.start()
        self.turn = 0
        self.create()

    def create(self) -> None:
        """A buildx that knows this daemon."""
        self.environment = {**os.environ, **self.engine.environment, "BUILDX_CONFIG": os.fspath(self.folder / "bx")}
        words = [self.engine.buildx, "create", "--driver", "remote", "--name", "own", self.daemon.address]
        subprocess.run(words, env=self.environment, capture_output=True, check=False)

    def start(self, dockerfile: str, *more: str) -> subprocess.Popen[bytes]:
        """A build that runs."""
        self.turn += 1
        place = self.folder / f"context{self.turn}"
        place.mkdir()
        (place / "Dockerfile").write_text(dockerfile.replace("TURN", str(self.turn)))
        words = ["--builder", "own", "build", "--progress=rawjson", "--provenance=false", *more, os.fspath(place)]
        return subprocess.Popen(
            [self.engine.buildx, *words], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def build(self, dockerfile: str, *more: str) -> bytes:
        """What a build that must fail says."""
        run = self.start(dockerfile, *more)
        _, said = run.communicate(timeout=240)
        if not run.returncode:
            raise SystemExit(f"this build should have failed:\n{said.decode()}")
        return said

    def fetch(self, fault: Fault, at: int) -> bytes:
        """A base image from the proxy; from request `at` on everything goes wrong."""
        self.engine.seed([f"own{self.turn}:1"], folder="faulty")
        name = f"{self.proxy.address}/faulty/own{self.turn}:1"
        self.proxy.arm(fault, at, 10_000)
        return self.build(RUN.format(base=name, command="echo TURN"), "--no-cache")

    def push(self, fault: Fault, at: int) -> bytes:
        """A push through the proxy."""
        self.proxy.arm(fault, at, 10_000)
        output = f"--output=type=image,name={self.proxy.address}/pushed/x{self.turn},push=true,push-by-digest=true"
        return self.build(RUN.format(base="ubuntu:22.04", command="echo TURN > /x"), output)

    def add(self, fault: Fault) -> bytes:
        """What ADD fetches through the proxy."""
        self.proxy.arm(fault, 0, 10_000)
        return self.build(f"FROM scratch\nADD http://{self.proxy.address}/file /file\n")

    def away(self, end: Callable[[], None]) -> bytes:
        """The daemon ends while a step runs."""
        run = self.start(RUN.format(base="ubuntu:22.04", command="sleep 30 # TURN"))
        time.sleep(3)
        end()
        _, said = run.communicate(timeout=120)
        self.daemon.start()
        return said

    def down(self) -> bytes:
        """The daemon is not there."""
        self.daemon.kill()
        try:
            return self.build(RUN.format(base="ubuntu:22.04", command="true"))
        finally:
            self.daemon.start()

    def resetting(self) -> bytes:
        """A registry that resets each connection."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(50)
            port = listening.getsockname()[1]

            def drop() -> None:
                while True:
                    try:
                        one, _ = listening.accept()
                    except OSError:
                        return
                    one.recv(100)
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    one.close()

            threading.Thread(target=drop, daemon=True).start()
            return self.build(f"FROM 127.0.0.1:{port}/x:1\n")


def refused(bench: Bench) -> str:
    """An address of loopback where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


TRANSIENT: dict[str, Callable[[Bench], bytes]] = {
    "registry-down": lambda bench: bench.build(f"FROM {refused(bench)}/x:1\n"),
    "registry-resets": lambda bench: bench.resetting(),
    "registry-down-at-push": lambda bench: bench.build(
        "FROM ubuntu:22.04\nRUN true\n", f"--output=type=image,name={refused(bench)}/x,push=true"
    ),
    "manifest-503": lambda bench: bench.fetch(Fault.UNAVAILABLE, 0),
    "manifest-500": lambda bench: bench.fetch(Fault.BROKEN, 0),
    "manifest-429": lambda bench: bench.fetch(Fault.TOO_MANY, 0),
    "manifest-cut": lambda bench: bench.fetch(Fault.CUT_BEFORE, 0),
    "manifest-midway": lambda bench: bench.fetch(Fault.CUT_MIDWAY, 1),
    "layer-503": lambda bench: bench.fetch(Fault.UNAVAILABLE, 3),
    "layer-cut": lambda bench: bench.fetch(Fault.CUT_BEFORE, 3),
    "layer-midway": lambda bench: bench.fetch(Fault.CUT_MIDWAY, 3),
    "push-503": lambda bench: bench.push(Fault.UNAVAILABLE, 0),
    "push-429": lambda bench: bench.push(Fault.TOO_MANY, 0),
    "push-cut": lambda bench: bench.push(Fault.CUT_BEFORE, 0),
    "push-upload-503": lambda bench: bench.push(Fault.UNAVAILABLE, 3),
    "push-upload-cut": lambda bench: bench.push(Fault.CUT_AFTER, 4),
    "dns": lambda bench: bench.build("FROM registry.nowhere.invalid/x:1\n"),
    "add-503": lambda bench: bench.add(Fault.UNAVAILABLE),
    "add-refused": lambda bench: bench.build(f"FROM scratch\nADD http://{refused(bench)}/file /file\n"),
    "git-refused": lambda bench: bench.build(f"FROM scratch\nADD http://{refused(bench)}/x.git#main /file\n"),
    "daemon-killed": lambda bench: bench.away(bench.daemon.kill),
    "daemon-stopped": lambda bench: bench.away(bench.daemon.stop),
    "daemon-down": lambda bench: bench.down(),
}
LASTING: dict[str, Callable[[Bench], bytes]] = {
    "run-says-connection-refused": lambda bench: bench.build(
        RUN.format(base="ubuntu:22.04", command="echo dial tcp 127.0.0.1:1: connect: connection refused >&2; exit 1")
    ),
    "run-command-holds-503": lambda bench: bench.build(
        RUN.format(base="ubuntu:22.04", command="false '503 Service Unavailable'")
    ),
    "run-killed": lambda bench: bench.build(RUN.format(base="ubuntu:22.04", command="sleep 9 & kill -9 $!; wait $!")),
    "file-named-like-a-failure": lambda bench: bench.build(
        'FROM ubuntu:22.04\nCOPY ["connect: connection refused", "/"]\n'
    ),
    "manifest-404": lambda bench: bench.fetch(Fault.NOT_FOUND, 0),
    "manifest-401": lambda bench: bench.fetch(Fault.UNAUTHORIZED, 0),
    "manifest-403": lambda bench: bench.fetch(Fault.FORBIDDEN, 0),
    "push-403": lambda bench: bench.push(Fault.FORBIDDEN, 0),
    "push-413": lambda bench: bench.push(Fault.TOO_LARGE, 3),
    "malformed": lambda bench: bench.build("FROM scratch\nEOF\n"),
    "no-such-stage": lambda bench: bench.build("FROM scratch\n", "--target=unexpected EOF"),
}


def cleaned(said: bytes, folder: Path) -> str:
    """Without the progress of transfers and the names of this machine's folders."""
    lines = []
    for line in said.decode("utf-8", "replace").replace(os.fspath(folder), "/folder").splitlines():
        if line.startswith("{"):
            document = json.loads(line)
            document.pop("statuses", None)
            if not document:
                continue
            line = json.dumps(document, separators=(",", ":"))
        lines.append(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:5000", line))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Record what is named, or everything."""
    wanted = set(sys.argv[1:])
    with (
        running_engine(["ubuntu:22.04"]) as engine,
        faulty(engine.registry.address) as proxy,
        work_folder() as folder,
    ):
        bench = Bench(engine, proxy, folder)
        try:
            for kind, failures in (("transient", TRANSIENT), ("lasting", LASTING)):
                if not wanted:
                    shutil.rmtree(RECORDED / kind, ignore_errors=True)
                (RECORDED / kind).mkdir(exist_ok=True)
                for name, provoke in failures.items():
                    if wanted and name not in wanted:
                        continue
                    began = time.monotonic()
                    try:
                        text = cleaned(provoke(bench), folder)
                    except SystemExit as error:
                        print(f"!! {name}: {error}")
                        continue
                    (RECORDED / kind / f"{name}.jsonl").write_text(text)
                    print(f"{name} ({time.monotonic() - began:.0f} s): {text.splitlines()[-1][:300]}", flush=True)
        finally:
            bench.daemon.stop()


if __name__ == "__main__":
    main()
