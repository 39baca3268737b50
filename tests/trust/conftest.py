"""Builders of their own for main and for pull requests, and a family under a policy that builds in a CI's name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.build.family import BuildSpace
from tests.engine.buildkit import running_buildkitd
from tests.engine.engine import Engine
from tests.engine.workfolder import work_folder
from tests.trust.forging import place
from tests.trust.relaying import reading, sides
from tests.trust.runs import environment_of
from tests.trust.signed_family import space
from tests.trust.stack import SCOPES, Stack, running_stack

__all__ = ["place", "reading", "sides", "space"]
FILES = {
    "images.yaml": "version: 1\nkeys: {algorithm: sha256}\nimages:\n  app: {dockerfile: app.Dockerfile}\n",
    "app.Dockerfile": "FROM ubuntu:22.04\nRUN echo one > /one\nCOPY app.txt /\nRUN cat /app.txt > /two\n",
    "app.txt": "first\n",
}


@dataclass(frozen=True)
class Builders:
    """Addresses of buildkitds by name, one for each scope of trust, all of them the same program."""

    addresses: dict[str, str]
    programs: Path

    def prune(self) -> None:
        """Forget every local layer, as a new runner has none."""
        for address in self.addresses.values():
            argv = [os.fspath(self.programs / "buildctl"), "--addr", address, "prune", "--all"]
            subprocess.run(argv, capture_output=True, check=True)


@pytest.fixture(scope="session")
def stack(engine: Engine) -> Iterator[Stack]:
    """The token server, the registry that believes it, and an open one."""
    with work_folder() as folder, running_stack(engine.programs / "registry", folder / "stack") as running:
        yield running


@pytest.fixture(scope="session")
def builders(engine: Engine, stack: Stack) -> Iterator[Builders]:
    registries = (engine.registry.address, stack.registry.address, stack.open_registry.address)
    with work_folder() as folder, ExitStack() as exits:
        started = {
            name: exits.enter_context(
                running_buildkitd(
                    engine.programs,
                    folder / name,
                    registries=registries,
                    mirror=engine.registry.address,
                )
            )
            for name in ("main", "pr")
        }
        yield Builders(addresses=started, programs=engine.programs)


class TrustSpace(BuildSpace):
    """A workspace of a family under a policy; every build is a fresh runner's."""

    def __init__(self, root: Path, engine: Engine, builders: Builders, notes: Path) -> None:
        super().__init__(root, engine)
        self.builders = builders
        self.notes = notes

    def run(
        self, run: str, *arguments: str, status: int = 0, builder: str = "", fresh: bool = True, **more: str
    ) -> dict[str, Any]:
        """A build as the CI run `main`, `pr/17`, …: with nothing left of earlier ones but what registries keep.

        Without `fresh` the builder keeps its local layers, as a runner of one's own would.
        """
        if fresh:
            self.builders.prune()
        shutil.rmtree(self.root / ".planner", ignore_errors=True)
        name = builder or ("main" if run == "main" else "pr")
        environment = {
            **environment_of(run, self.root.parent),
            "PLANNER_BUILDERS": os.fspath(self.notes / run.replace("/", "-")),
            **more,
        }
        address = f"buildkit:{self.builders.addresses[name]}"
        # The client's own configuration and PATH come before the engine's.
        words = ("build", "--builder", address, *arguments, "--format", "json")
        path = os.pathsep.join(one for one in (environment.pop("PATH", ""), self.engine.environment["PATH"]) if one)
        run_of = self.planner(*words, **{**self.engine.environment, **environment, "PATH": path})
        assert run_of.returncode == status, run_of.stderr
        found: dict[str, Any] = {image["name"]: image for image in json.loads(run_of.stdout)["images"]}
        return {**found, "": {"error": run_of.stderr}}


@pytest.fixture
def trust_space(tmp_path: Path, engine: Engine, builders: Builders) -> TrustSpace:
    space = TrustSpace(tmp_path / "family", engine, builders, tmp_path / "notes")
    prefix = f"t{tmp_path.name.lower().replace('_', '-')}"
    text = SCOPES.format(address=engine.registry.address)
    for path in ("cache/main", "cache/release", "cache/pr"):
        text = text.replace(f"cache: {path}", f"cache: {prefix}/{path}").replace(f'"{path}', f'"{prefix}/{path}')
    space.write({**FILES, "policy.yaml": text})
    space.commit()
    return space


def cached(built: dict[str, Any], image: str = "app") -> dict[str, bool]:
    """Whether each step that does something came from a cache, as rawjson told."""
    steps = built[image]["steps"]
    return {step["name"].partition("] ")[2]: step["cached"] for step in steps if "] FROM " not in step["name"]}
