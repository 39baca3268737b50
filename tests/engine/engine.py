"""The embedded engine as one: buildkitd, a registry that mirrors Docker Hub for it, and the environment to use them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engine import base_images
from tests.engine.buildkit import running_buildkitd
from tests.engine.install import ENGINE, busybox, missing_packages
from tests.engine.registry import Registry, running_registry
from tests.engine.workfolder import work_folder

BUILDER = "embedded"


class NotInstalled(Exception):
    """The engine's programs are not there."""

    def __str__(self) -> str:
        return f"the embedded engine lacks {self.args[0]}: run `make engine`"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A running engine. `environment` is what a command needs to use it, beside what it has already."""

    address: str  # of buildkitd, as BUILDKIT_HOST takes it
    registry: Registry
    programs: Path
    folder: Path  # temporary; everything that the engine writes is in it
    environment: dict[str, str]

    @property
    def buildctl(self) -> str:
        return os.fspath(self.programs / "buildctl")

    @property
    def buildx(self) -> str:
        return os.fspath(self.programs / "buildx")

    @property
    def mirror(self) -> str:
        """What stands before `/ubuntu:22.04` for a seeded image."""
        return f"{self.registry.address}/library"

    def seed(self, names: Iterable[str], *, folder: str = "library") -> dict[str, str]:
        program = busybox()
        if program is None:
            raise NotInstalled("a static busybox")
        return base_images.seed(self.registry, names, program, folder=folder)

    def run(self, *argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`buildctl …` or `buildx …` in the engine's environment; the caller looks at how it ended."""
        environment = {**os.environ, **self.environment}
        program = os.fspath(self.programs / argv[0])
        return subprocess.run(
            [program, *argv[1:]], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )


@contextmanager
def running_engine(seeds: Iterable[str] = ()) -> Iterator[Engine]:
    """Starts registry and buildkitd, pushes base images under the names in `seeds`, and ends both."""
    programs = ENGINE.bin_folder()
    if not programs.is_dir():
        raise NotInstalled(", ".join(ENGINE.programs()))
    if missing := missing_packages():
        raise NotInstalled(", ".join(missing))
    with (
        work_folder() as folder,
        running_registry(programs / "registry", folder / "registry") as registry,
        running_buildkitd(
            programs, folder / "buildkitd", registries=(registry.address,), mirror=registry.address
        ) as address,
    ):
        engine = Engine(
            address=address,
            registry=registry,
            programs=programs,
            folder=folder,
            environment=_environment(address, programs, folder),
        )
        _create_builder(engine)
        engine.seed(seeds)
        yield engine


def _environment(address: str, programs: Path, folder: Path) -> dict[str, str]:
    """Nobody's credentials and builders but the engine's own."""
    configuration = folder / "client"
    configuration.mkdir()
    return {
        "BUILDKIT_HOST": address,
        "BUILDX_CONFIG": os.fspath(configuration / "buildx"),
        "BUILDX_BUILDER": BUILDER,
        "DOCKER_CONFIG": os.fspath(configuration),
        "PATH": os.pathsep.join((os.fspath(programs), os.environ.get("PATH", os.defpath))),
    }


def _create_builder(engine: Engine) -> None:
    """The remote builder that `buildx` uses by its name."""
    created = engine.run("buildx", "create", "--driver", "remote", "--name", BUILDER, engine.address)
    if created.returncode:
        raise RuntimeError(f"buildx create: {created.stderr}")
