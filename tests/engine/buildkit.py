"""A buildkitd on a unix socket, as root, with its state in a folder."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.engine.server import Server, ServerFailed

# "auto" is overlayfs where the folder's file system takes it, else native.
CONFIGURATION = """\
root = {root}
insecure-entitlements = ["network.host"]

[grpc]
address = [{address}]

[otel]
socketPath = {otel}

[worker.oci]
enabled = true
snapshotter = "auto"
gc = false
{settings}

[worker.containerd]
enabled = false
"""
ANSWER_SECONDS = 15.0
REGISTRY = """
[registry.{address}]
http = true
insecure = true
"""
MIRROR = """
[registry.{name}]
mirrors = [{address}]
"""


class Buildkitd:
    """One that may be killed and started again on its state. `registries` speak plain HTTP; `mirror` is the one of them

    asked first for Docker Hub's images. `platforms` are what it says to offer, by default those of the machine;
    `parallel` is how many steps it runs at once, 0 for no limit.
    """

    def __init__(
        self,
        programs: Path,
        folder: Path,
        *,
        registries: Sequence[str] = (),
        mirror: str | None = None,
        platforms: Sequence[str] = (),
        parallel: int = 0,
    ) -> None:
        self.programs, self.folder = programs, folder
        self.log = folder / "buildkitd.log"
        if os.geteuid() != 0:
            raise ServerFailed("buildkitd", "runs as root only", self.log)
        folder.mkdir(parents=True)
        self.address = f"unix://{folder / 'buildkitd.sock'}"
        text = CONFIGURATION.format(
            root=json.dumps(os.fspath(folder / "state")),
            address=json.dumps(self.address),
            otel=json.dumps(os.fspath(folder / "otel.sock")),
            settings="\n".join(
                [f"platforms = {json.dumps(list(platforms))}"] * bool(platforms)
                + [f"max-parallelism = {parallel}"] * bool(parallel)
            ),
        )
        text += "".join(REGISTRY.format(address=json.dumps(registry)) for registry in registries)
        if mirror:
            text += MIRROR.format(name=json.dumps("docker.io"), address=json.dumps(mirror))
        (folder / "buildkitd.toml").write_text(text)
        self.server: Server | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.server = Server(
            [os.fspath(self.programs / "buildkitd"), "--config", os.fspath(self.folder / "buildkitd.toml")],
            log=self.log,
            ready=lambda text: "running server on" in text and _answers(self.programs, self.address),
        )
        self.server.wait_until_ready()

    def kill(self) -> None:
        """End it without a word, as a machine that loses power."""
        if self.server is not None:
            self.server.process.kill()
            self.server.process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self.server is not None:
            self.server.stop()


@contextmanager
def running_buildkitd(
    programs: Path,
    folder: Path,
    *,
    registries: Sequence[str] = (),
    mirror: str | None = None,
    platforms: Sequence[str] = (),
) -> Iterator[str]:
    """The address of one, as long as the block runs. The words are those of `Buildkitd`."""
    daemon = Buildkitd(programs, folder, registries=registries, mirror=mirror, platforms=platforms)
    try:
        daemon.start()
        yield daemon.address
    finally:
        daemon.stop()


def _answers(programs: Path, address: str) -> bool:
    argv = [os.fspath(programs / "buildctl"), "--addr", address, "--timeout", "5", "debug", "workers"]
    try:
        return subprocess.run(argv, capture_output=True, timeout=ANSWER_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:  # The words above bound the connection, not the answer.
        return False
