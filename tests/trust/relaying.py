"""The two sides of a relay with a real registry and BuildKit: an untrusted runner without login, a trusted one.

The untrusted runner sees the registry through an address that takes no writes, as somebody without a login would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from planner.registry.client import HttpRegistry
from tests.cli.test_documents import check
from tests.engine.engine import Engine
from tests.engine.registry import Registry, running_registry
from tests.policy.test_relay import LABELLED
from tests.policy.test_relay import changed as changed_event
from tests.trust.sealing import MAIN, PR, pem, section
from tests.workspace import IDENTITY, Workspace

POLICY = """\
version: 1
repositories: {{github: {{name: acme/images, id: 4711, owner: 42}}}}
registries: {{cache: {{address: "{address}", isolation: path}}}}
scopes:
  main:
    registry: cache
    cache: {path}/cache
    images: {path}/images
    write: [trusted]
    read: [release, trusted, pr, untrusted]
  pr: {{registry: cache, cache: "{path}/pc/{{number}}", images: "{path}/pr/{{number}}", write: [], read: [pr]}}
relay: {{images: 2}}
"""
PLANNER = [sys.executable, "-m", "planner.cli.start"]


def files(prefix: str) -> dict[str, str]:
    return {
        "images.yaml": f"""\
version: 1
registry: {prefix}/images
keys: {{algorithm: sha256}}
images:
  base: {{dockerfile: base.Dockerfile}}
  app: {{dockerfile: app.Dockerfile}}
  more: {{dockerfile: more.Dockerfile}}
""",
        "base.Dockerfile": "FROM scratch\nCOPY base.txt /\n",
        "app.Dockerfile": f"FROM {prefix}/images/base\nCOPY app.txt /\n",
        "more.Dockerfile": f"FROM {prefix}/images/app\nCOPY more.txt /\n",
        **{f"{name}.txt": f"{name}\n" for name in ("base", "app", "more")},
    }


@dataclass
class Sides:
    """`origin` has main and a pull request's ref; `trusted` is a clone of main, `untrusted` one of the pull request."""

    engine: Engine
    prefix: str
    origin: Workspace
    trusted: Workspace
    untrusted: Workspace
    reading: Registry
    folder: Path

    @property
    def path(self) -> str:
        return self.prefix.partition("/")[2]

    def propose(self, **edits: str) -> str:
        """Commit to the pull request, and let the origin know it; the commit."""
        self.untrusted.write({path.replace("__", "."): text for path, text in edits.items()})
        self.untrusted.commit()
        self.untrusted.git("push", "-q", "-f", "origin", "HEAD:refs/pull/17/head")
        return self.untrusted.git("rev-parse", "HEAD").strip()

    def ask(self, *words: str, **environment: str) -> dict[str, Any]:
        run = self.outside("relay", "ask", *words, "--number", "17", **environment)
        assert run.returncode == 0, run.stderr
        found: dict[str, Any] = json.loads(run.stdout)
        check("relay-request", found)
        return found

    def outside(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The untrusted runner: git and nothing else, no engine, no login."""
        argv = [*PLANNER, "-C", os.fspath(self.untrusted.root), *words]
        path = {"PATH": os.defpath, "HOME": os.fspath(self.folder), "NO_COLOR": "1"}
        return subprocess.run(
            argv, env={**path, **IDENTITY, **environment}, capture_output=True, text=True, check=False
        )

    def serve(
        self, request: dict[str, Any], event: str = "pull_request_target", payload: Any = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The trusted runner, started by an event."""
        (self.folder / "event.json").write_text(json.dumps(labelled(request) if payload is None else payload))
        (self.folder / "request.json").write_text(json.dumps(request))
        return self.trusted.planner(
            "relay", "serve", os.fspath(self.folder / "request.json"), "--format", "json",
            **{
                **self.engine.environment,
                "PLANNER_BUILDERS": os.fspath(self.folder / "notes"),
                "PLANNER_SIGNING_KEY": pem(PR),
                "GITHUB_EVENT_NAME": event,
                "GITHUB_EVENT_PATH": os.fspath(self.folder / "event.json"),
                **environment,
            },
        )  # fmt: skip

    def pull(self, request: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
        """The untrusted runner again, through the address that takes no writes."""
        policy = (self.trusted.root / "policy.yaml").read_text()
        there = self.folder / "policy-outside.yaml"
        there.write_text(policy.replace(self.engine.registry.address, self.reading.address))
        (self.folder / "request.json").write_text(json.dumps(request))
        file = os.fspath(self.folder / "request.json")
        return self.outside("relay", "pull", file, "--policy", os.fspath(there), *words)


def labelled(request: dict[str, Any]) -> dict[str, Any]:
    return changed_event(LABELLED, "pull_request.head.sha", request["commit"])


@pytest.fixture(scope="session")
def reading(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The engine's registry again, at an address that takes no writes."""
    storage = {
        "filesystem": {"rootdirectory": os.fspath(engine.registry.log.parent / "storage")},
        "maintenance": {"readonly": {"enabled": True}},
    }
    folder = tmp_path_factory.mktemp("reading") / "registry"
    with running_registry(engine.programs / "registry", folder, settings={"storage": storage}) as running:
        yield running


@pytest.fixture
def sides(engine: Engine, reading: Registry, tmp_path: Path) -> Sides:
    path = f"r-{tmp_path.name.replace('_', '-').lower()[-30:]}"
    prefix = f"{engine.registry.address}/{path}"
    origin = Workspace(tmp_path / "origin")
    rule = POLICY.format(address=engine.registry.address, path=path)
    keys = section().replace("signing:", "signing:\n  require: [main, release, pr]")
    origin.write({**files(prefix), "policy.yaml": rule + keys})
    origin.commit()
    clones = []
    for name in ("trusted", "untrusted"):
        origin.git("clone", "-q", os.fspath(origin.root), os.fspath(tmp_path / name))
        clones.append(Workspace(tmp_path / name, init=False))
    return Sides(engine, prefix, origin, *clones, reading, tmp_path)


def published(sides: Sides) -> dict[str, str]:
    """What main publishes; the digests."""
    run = sides.trusted.planner(
        "build", "--push", "--format", "json", "--state", os.fspath(sides.folder / "main"),
        PLANNER_SIGNING_KEY=pem(MAIN), **sides.engine.environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return {image["name"]: image["digest"] for image in json.loads(run.stdout)["images"]}


def tags(sides: Sides, place: str) -> dict[str, str | None]:
    """What all tags of the three images name below a place."""
    registry = HttpRegistry()
    return {
        f"{name}:{tag}": registry.digest_of(f"{sides.prefix}/{place}/{name}", tag)
        for name in ("base", "app", "more")
        for tag in sides.engine.registry.tags(f"{sides.path}/{place}/{name}")
    }


def refused(sides: Sides, request: dict[str, Any], *words: str, **more: Any) -> None:
    run = sides.serve(request, **more)
    assert run.returncode == 1, run.stdout
    for word in ("refused", *words):
        assert word in run.stderr
    assert "Traceback" not in run.stderr
    assert tags(sides, "pr/17") == {}, "nothing was written"
