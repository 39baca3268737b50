"""Turns the services of Compose files that stand beside Bake files into targets, which Bake merges with its own.

Follows `bake.ParseCompose` of buildx v0.36.1: every service with a `build:` is a target of the group `default`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.errors import DefinitionError, Mistake
from planner.ports import Tree
from planner.sources.doors.bake import flags
from planner.sources.doors.bake.config import Config, Group
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import List, Map, Value
from planner.sources.doors.compose import project
from planner.sources.doors.compose.records import Build, Secret, Service

EXTENSION = "x-bake"


def read(files: Sequence[str], tree: Tree, environment: Mapping[str, str]) -> Config:
    """The targets of these Compose files. Raises DefinitionError with all mistakes."""
    found = project.read(files, tree, environment, profiles=("*",))
    config = Config()
    mistakes: list[Mistake] = []
    for service in found.services.values():
        if service.build is None:
            continue
        name = service.name.replace(".", "_")
        if EXTENSION in service.build.extensions:
            hint = "write what it says into the Bake file"
            what = f"services.{service.name}.build.{EXTENSION} is not read beside Bake files"
            mistakes.append(Mistake(file=service.span.file, line=service.span.line, what=what, hint=hint))
        try:
            config.targets[name] = _fields(service, service.build)
        except Wrong as error:
            what = f"services.{service.name}.build: {error.what}"
            mistakes.append(Mistake(file=service.span.file, line=service.span.line, what=what))
        config.spans[name] = service.span
    if mistakes:
        raise DefinitionError(mistakes)
    config.groups["default"] = Group(name="default", targets=tuple(config.targets))
    return config


def _fields(service: Service, build: Build) -> dict[str, Value]:
    tags = build.tags or ((service.image,) if service.image else ())
    attests = [
        flags.attest_entry(_attest(kind, text))
        for kind, text in (("sbom", build.sbom), ("provenance", build.provenance))
        if text
    ]
    found: dict[str, Value] = {
        "context": build.context,
        "dockerfile": build.dockerfile,
        "dockerfile-inline": build.dockerfile_inline,
        "target": build.target,
        "args": Map(build.args),
        "labels": Map(build.labels),
        "contexts": Map((name, _context(value)) for name, value in build.contexts),
        "tags": List(tags),
        "platforms": List(build.platforms),
        "cache-from": flags.caches(build.cache_from),
        "cache-to": flags.caches(build.cache_to),
        "network": build.network,
        "ssh": List({"id": name, "paths": List((path,) if path else ())} for name, path in sorted(build.ssh)),
        "secret": List(map(_secret, build.secrets)),
        "shm-size": str(build.shm_size) if build.shm_size else "",
        "ulimits": List(f"{name}={soft}:{hard}" for name, soft, hard in build.ulimits),
        "extra-hosts": Map(_host(text) for text in build.extra_hosts),
        "attest": List(attests),
        "no-cache": build.no_cache or None,
        "pull": build.pull or None,
    }
    return {name: value for name, value in found.items() if value}


def _attest(kind: str, text: str) -> str:
    if text.lower() in ("1", "t", "true", "0", "f", "false"):
        return f"type={kind},disabled={'false' if text.lower() in ('1', 't', 'true') else 'true'}"
    return f"type={kind},{text}"


def _context(value: str) -> str:
    return f"target:{value.removeprefix('service:').replace('.', '_')}" if value.startswith("service:") else value


def _secret(secret: Secret) -> flags.Entry:
    return {"id": secret.id or secret.source, "src": secret.file, "env": secret.environment}


def _host(text: str) -> tuple[str, str]:
    name, _, address = text.replace("=", ":", 1).partition(":")
    return name, address
