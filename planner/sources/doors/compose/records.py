"""What a Compose project says of its services and their builds: records only, for other doors as well."""

from __future__ import annotations

from collections.abc import Mapping

from planner.model.frozen import dataclass, field
from planner.model.image import Pairs, Span
from planner.sources.doors.compose.values import Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A secret of a build: its id where one is given, and the file or the variable that holds it, if it is declared."""

    id: str
    source: str
    file: str = ""
    environment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """How a service is built, as `docker compose config` would show it.

    `context`, `contexts` and paths in `ssh` are relative to the workspace, or no paths of it at all. `places` tells
    where fields are written, `extensions` holds what stands under names that begin with `x-`.
    """

    span: Span
    context: str = "."
    dockerfile: str = ""
    dockerfile_inline: str = ""
    target: str = ""
    args: Pairs = ()
    contexts: Pairs = ()
    platforms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    labels: Pairs = ()
    secrets: tuple[Secret, ...] = ()
    ssh: Pairs = ()
    network: str = ""
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False
    privileged: bool = False
    entitlements: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    shm_size: int = 0
    ulimits: tuple[tuple[str, int, int], ...] = ()
    isolation: str = ""
    provenance: str = ""
    sbom: str = ""
    extensions: Mapping[str, Value] = field(default_factory=dict, compare=False)
    places: Mapping[str, Span] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A service; `build` is None where its image is only run. One that is provided is no container at all."""

    name: str
    span: Span
    image: str = ""
    platform: str = ""
    profiles: tuple[str, ...] = ()
    is_provided: bool = False
    build: Build | None = None


@dataclass(frozen=True, kw_only=True)
class Project:
    """The services of a project in the order in which they are first named, and which of them are enabled."""

    services: Mapping[str, Service]
    enabled: frozenset[str]
