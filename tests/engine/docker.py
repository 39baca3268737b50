"""A current Docker Engine on a unix socket, with its state in a folder and the engine's registry as its Docker Hub."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.engine import own_network
from tests.engine.engine import Engine, NotInstalled
from tests.engine.install import DOCKER
from tests.engine.server import Server, ServerFailed

Store = Literal["containerd", "classic"]


@dataclass(frozen=True, kw_only=True)
class DockerEngine:
    """A running dockerd. `environment` is what `docker` needs to use it, buildx included."""

    address: str  # as DOCKER_HOST takes it
    store: Store
    programs: Path
    environment: dict[str, str]

    @property
    def docker(self) -> str:
        return os.fspath(self.programs / "docker")

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`docker …`; the caller looks at how it ended."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            [self.docker, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )


@contextmanager
def running_docker(engine: Engine, store: Store) -> Iterator[DockerEngine]:
    """`store` is where images are kept: in containerd's image store, or in the graph drivers of old."""
    programs = DOCKER.bin_folder()
    if not programs.is_dir():
        raise NotInstalled(", ".join(DOCKER.programs()))
    folder = engine.folder / f"docker-{store}"
    log = folder / "dockerd.log"
    if os.geteuid() != 0:
        raise ServerFailed("dockerd", "runs as root only", log)
    folder.mkdir()
    port = int(engine.registry.address.rsplit(":", 1)[1])
    docker = DockerEngine(
        address=f"unix://{folder / 'docker.sock'}",
        store=store,
        programs=programs,
        environment=_environment(engine, programs, folder),
    )
    configuration = folder / "daemon.json"
    configuration.write_text(json.dumps(_configuration(docker, engine, folder)))
    argv = [os.fspath(programs / "dockerd"), "--config-file", os.fspath(configuration)]
    with own_network.expected_network(folder / "network.sock") as network:
        server = Server(
            own_network.command(argv, folder / "network.sock", port),
            log=log,
            ready=lambda text: "API listen on" in text and docker.run("info").returncode == 0,
            environment=docker.environment,
        )
        try:
            server.wait_until_ready()
            with own_network.forwarding(network, port):
                yield docker
        finally:
            server.stop()


def _configuration(docker: DockerEngine, engine: Engine, folder: Path) -> dict[str, object]:
    return {
        "hosts": [docker.address],
        "data-root": os.fspath(folder / "data"),
        "exec-root": os.fspath(folder / "exec"),
        "pidfile": os.fspath(folder / "dockerd.pid"),
        "features": {"containerd-snapshotter": docker.store == "containerd"},
        "registry-mirrors": [f"http://{engine.registry.address}"],
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "userland-proxy": False,
    }


def _environment(engine: Engine, programs: Path, folder: Path) -> dict[str, str]:
    """Nobody's credentials and contexts, and our buildx as the plugin."""
    plugins = folder / "client" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(engine.buildx)
    return {
        "DOCKER_HOST": f"unix://{folder / 'docker.sock'}",
        "DOCKER_CONFIG": os.fspath(folder / "client"),
        "BUILDX_CONFIG": os.fspath(folder / "client" / "buildx"),
        "BUILDX_BUILDER": "default",
        "PATH": os.pathsep.join((os.fspath(programs), os.environ.get("PATH", os.defpath))),
    }
