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

[worker.containerd]
enabled = false
"""
REGISTRY = """
[registry.{address}]
http = true
insecure = true
"""
MIRROR = """
[registry.{name}]
mirrors = [{address}]
"""


@contextmanager
def running_buildkitd(
    programs: Path, folder: Path, *, registries: Sequence[str] = (), mirror: str | None = None
) -> Iterator[str]:
    """Its address. `registries` speak plain HTTP; `mirror` is the one of them asked first for Docker Hub's images."""
    log = folder / "buildkitd.log"
    if os.geteuid() != 0:
        raise ServerFailed("buildkitd", "runs as root only", log)
    folder.mkdir(parents=True)
    address = f"unix://{folder / 'buildkitd.sock'}"
    text = CONFIGURATION.format(
        root=json.dumps(os.fspath(folder / "state")),
        address=json.dumps(address),
        otel=json.dumps(os.fspath(folder / "otel.sock")),
    )
    text += "".join(REGISTRY.format(address=json.dumps(registry)) for registry in registries)
    if mirror:
        text += MIRROR.format(name=json.dumps("docker.io"), address=json.dumps(mirror))
    (folder / "buildkitd.toml").write_text(text)
    server = Server(
        [os.fspath(programs / "buildkitd"), "--config", os.fspath(folder / "buildkitd.toml")],
        log=log,
        ready=lambda text: "running server on" in text and _answers(programs, address),
    )
    try:
        server.wait_until_ready()
        yield address
    finally:
        server.stop()


def _answers(programs: Path, address: str) -> bool:
    argv = [os.fspath(programs / "buildctl"), "--addr", address, "--timeout", "5", "debug", "workers"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
