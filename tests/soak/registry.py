"""The registry of a soak: it stops, has its own collection of blobs done, and comes back at the same address."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.engine.registry import LISTENING, QUIET, configuration_of
from tests.engine.server import Server

ANY_PORT = "127.0.0.1:0"


class SoakRegistry:
    """`address` is HOST:PORT, the same for as long as this lives."""

    def __init__(self, program: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.program, self.folder, self.address = program, folder, ANY_PORT
        self.start()

    @property
    def configuration(self) -> Path:
        """The file that the registry and its collection read."""
        return self.folder / "config.yml"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        found = configuration_of(self.folder, self.address)
        self.configuration.write_text(json.dumps(found))  # JSON is YAML
        self.server = Server(
            [os.fspath(self.program), "serve", os.fspath(self.configuration)],
            log=self.folder / "registry.log",
            ready=lambda text: LISTENING.search(text) is not None,
            environment=QUIET,
        )
        self.server.wait_until_ready()
        listening = LISTENING.search((self.folder / "registry.log").read_text(errors="replace"))
        assert listening is not None
        self.address = listening[1]

    def stop(self) -> None:
        """End it."""
        self.server.stop()

    def collect(self) -> None:
        """Delete manifests without a tag and the blobs that no manifest names, with the registry stopped, as its makers
        ask for.
        """
        self.stop()
        argv = [os.fspath(self.program), "garbage-collect", "--delete-untagged", os.fspath(self.configuration)]
        subprocess.run(argv, env={**os.environ, **QUIET}, capture_output=True, check=True)
        self.start()
