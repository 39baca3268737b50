"""Asks the library of `docker compose` what a project's builds are, and says of ours in the same words."""

from __future__ import annotations

import json
import os
import posixpath
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planner.sources.doors.compose.records import Build, Project, Service
from tests.engine.gomodule import CHECKOUT, built

HOME = "/home/of-nobody"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files, and what the command line and the environment add. `refused` is what only we say of them."""

    files: Mapping[str, str]
    named: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    refused: str = ""

    def write(self, root: Path) -> None:
        for name, text in self.files.items():
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("->"):
                place.symlink_to(text[2:])
            else:
                place.write_text(text)


class Judge:
    """One running program."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, root: Path, case: Case, *, alone: bool = False) -> dict[str, Any] | str:
        """The builds by service; a text where it refuses. A file `alone` may lack networks and services of others."""
        environment = {"HOME": HOME, **case.environment}
        request = {
            "folder": os.fspath(root),
            "files": [os.fspath(root / name) for name in case.named],
            "env_files": [os.fspath(root / name) for name in case.env_files],
            "alone": alone,
            "profiles": list(case.profiles),
            "environment": [f"{name}={value}" for name, value in environment.items()],
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer.get("error"):
            return str(answer["error"])
        return {name: _normal(service, root) for name, service in answer["services"].items()}


def _normal(service: dict[str, Any], root: Path) -> dict[str, Any]:
    """The program's words, with paths of the workspace for absolute ones, and without what is empty."""
    build = service.get("build")
    if build is not None:
        build["context"] = _relative(build.get("context", "."), root)
        contexts = build.get("additional_contexts", {})
        build["additional_contexts"] = {name: _relative(value, root) for name, value in contexts.items()}
        for name, limit in build.get("ulimits", {}).items():
            build["ulimits"][name] = _limits(limit)
        if not build.get("dockerfile") and not build.get("dockerfile_inline"):
            build["dockerfile"] = "Dockerfile"  # what it builds where dockerfile: is empty
        build["extra_hosts"] = sorted(build.get("extra_hosts") or ())
        service["build"] = {name: value for name, value in build.items() if value}
    service["ssh"] = {name: _relative(path, root) for name, path in service.get("ssh", {}).items()}
    secrets = service.get("secrets") or []
    service["secrets"] = [
        {name: _relative(value, root) if name == "file" else value for name, value in one.items() if value}
        for one in secrets
    ]
    return {name: value for name, value in service.items() if value}


def _limits(limit: Any) -> list[int]:
    if isinstance(limit, int):
        return [limit, limit]
    return [limit.get("soft") or limit.get("single", 0), limit.get("hard") or limit.get("single", 0)]


def _relative(text: str, root: Path) -> str:
    if not text.startswith("/"):
        return text
    around = next((place for place in root.parents if place.name == "workspace"), root).parent
    return os.path.relpath(text, root) if text.startswith(f"{around}/") else text


def ours(project: Project) -> dict[str, Any]:
    """Our services in the program's words."""
    return {name: _told(service) for name, service in project.services.items() if name in project.enabled}


def _told(service: Service) -> dict[str, Any]:
    told: dict[str, Any] = {"image": service.image, "platform": service.platform}
    if service.build is not None:
        told["build"] = _build(service.build)
        told["ssh"] = dict(service.build.ssh)
        told["secrets"] = [
            {
                name: value
                for name, value in (
                    ("source", one.source),
                    ("target", one.id),
                    ("file", one.file),
                    ("environment", one.environment),
                )
                if value
            }
            for one in service.build.secrets
        ]
    return {name: value for name, value in told.items() if value}


def _build(build: Build) -> dict[str, Any]:
    plain = (
        "dockerfile",
        "dockerfile_inline",
        "target",
        "network",
        "isolation",
        "provenance",
        "sbom",
        "no_cache",
        "pull",
        "privileged",
    )
    lists = ("platforms", "tags", "cache_from", "cache_to", "entitlements", "no_cache_filter", "extra_hosts")
    found: dict[str, Any] = {name: getattr(build, name) for name in plain}
    found |= {name: list(getattr(build, name)) for name in lists}
    found |= {"args": dict(build.args), "labels": dict(build.labels), "additional_contexts": dict(build.contexts)}
    found["context"] = posixpath.normpath(build.context) if build.context == "." else build.context
    found["shm_size"] = str(build.shm_size) if build.shm_size else ""
    found["ulimits"] = {name: [soft, hard] for name, soft, hard in build.ulimits}
    return {name: value for name, value in found.items() if value}


@contextmanager
def running_judge() -> Iterator[Judge]:
    """Start the program, and end it."""
    program = built("compose", CHECKOUT / ".ci" / "engine", CHECKOUT / ".ci" / "compose")
    process = subprocess.Popen([os.fspath(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Judge(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)
