"""Asks a Docker Engine about itself and its images, through the docker package; never through its classic builder."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.errors import BuilderError
from planner.system import given_files

DEFAULT = "default"
"""The context of DOCKER_HOST, or of the usual socket; and the builder of buildx there."""
MAX_CONFIG = 4 << 20


def context_name(environment: Mapping[str, str]) -> str:
    """The context that the docker command would use, which is the name of its builder too (docker/cli, v29).

    The docker package lets a context go before DOCKER_HOST.
    """
    if environment.get("DOCKER_HOST"):
        return DEFAULT
    if environment.get("DOCKER_CONTEXT"):
        return environment["DOCKER_CONTEXT"]
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or "/", ".docker"))
    try:
        name = json.loads(given_files.read(folder / "config.json", MAX_CONFIG)).get("currentContext")
    except (OSError, ValueError, RecursionError, AttributeError):
        return DEFAULT
    return name if isinstance(name, str) and name else DEFAULT


@functools.cache
def _client() -> Any:
    """A client for the engine that the docker command would use."""
    import docker
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        name = context_name(os.environ)
        if name == DEFAULT:
            return docker.from_env()
        context = ContextAPI.get_context(name)
        if context is None:
            raise BuilderError(f"the Docker Engine does not answer: there is no context {name}")
        return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig or False)
    except (DockerException, OSError, ValueError) as error:
        raise BuilderError(f"the Docker Engine does not answer: {error}") from error


def check_engine(oldest: int) -> None:
    """Raise BuilderError unless an engine answers whose BuildKit is new enough."""
    from docker.errors import DockerException

    try:
        version = str(_client().version().get("Version", ""))
    except (DockerException, OSError) as error:
        raise BuilderError(f"the Docker Engine does not answer: {error}") from error
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) < oldest:
        hint = "upgrade it, or make a builder beside it: docker buildx create --name NAME, then --builder buildx:NAME"
        raise BuilderError(f"Docker Engine {version} is too old: its BuildKit knows no named contexts\n  {hint}")


@functools.cache
def writes_caches() -> bool:
    """Whether the engine can export layer caches: with containerd's image store alone, as buildx asks it (v0.36.1)."""
    from docker.errors import DockerException

    try:
        told = _client().info().get("DriverStatus") or ()
    except (DockerException, OSError) as error:
        raise BuilderError(f"the Docker Engine does not answer: {error}") from error
    return ["driver-type", "io.containerd.snapshotter.v1"] in told


def image_id(name: str) -> str | None:
    """The id of the image with this name in the engine's own store, None where there is none."""
    from docker.errors import DockerException, ImageNotFound

    try:
        return str(_client().images.get(name).id)
    except ImageNotFound:
        return None
    except (DockerException, OSError) as error:
        raise BuilderError(f"the Docker Engine does not answer: {error}") from error
