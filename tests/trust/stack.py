"""The trust stack on loopback: a token server, a registry that believes it, and an open registry for controls."""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engine.registry import Registry, running_registry
from tests.engine.server import Server
from tests.trust import issuing

HEAD = """\
version: 1
repositories: {{github: {{name: acme/images, id: 4711, owner: 42}}}}
protected: {{branches: [main], tags: ["v*"]}}
registries: {{cache: {{address: "{address}", isolation: path}}}}
"""
SCOPES = (
    HEAD
    + """\
scopes:
  main:
    {{registry: cache, cache: cache/main, images: images, write: [trusted], read: [release, trusted, pr, untrusted]}}
  release: {{registry: cache, cache: cache/release, images: release, write: [release], read: [release]}}
  pr: {{registry: cache, cache: "cache/pr/{{number}}", images: "pr/{{number}}", write: [pr], read: [pr]}}
"""
)
POLICY = (
    SCOPES
    + """\
token_server:
  issuers: {{github: "https://token.actions.githubusercontent.com"}}
  audience: registry.acme.example
  service: registry.acme.example
  issuer: planner-token-server
"""
)
HELPERS = Path(sys.executable).parent


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`registry` asks for tokens of the server at `realm`; `open_registry` asks nobody."""

    registry: Registry
    open_registry: Registry
    realm: str
    server: Registry  # the token server, spoken to in the same way
    audit: Path
    folder: Path

    def policy(self) -> str:
        return POLICY.format(address=self.registry.address)

    def token(self, identity: str, *scopes: str) -> str:
        """A registry token for an identity token, "" where it is refused."""
        query = urllib.parse.urlencode([("service", issuing.AUDIENCE), *(("scope", scope) for scope in scopes)])
        basic = base64.b64encode(f"oidc:{identity}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"} if identity else {}
        status, _, body = self.server.request("GET", f"/token?{query}", headers=headers)
        return str(json.loads(body)["token"]) if status == 200 else ""

    def client(self, name: str, identity: str) -> dict[str, str]:
        """What a client's process needs to push and pull with an identity, through the credential helper."""
        folder = self.folder / f"client-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"credHelpers": {self.registry.address: "planner"}}))
        return {
            "DOCKER_CONFIG": os.fspath(folder),
            "PLANNER_ID_TOKEN": identity,
            "PATH": os.fspath(HELPERS),
        }


@contextmanager
def running_server(folder: Path, *limits: str) -> Iterator[tuple[Registry, Path]]:
    """The token server alone, with its keys and policy in `folder`: what it says, and its audit log."""
    port = free_port()
    policy, keys, audit, issuer = (folder / name for name in ("policy.yaml", "keys.json", "audit.jsonl", "issuer.jwks"))
    policy.write_text(POLICY.format(address="registry.acme.example"))
    issuer.write_text(issuing.key_set())
    planner = [sys.executable, "-m", "planner.cli.main", "token-server"]
    Server([*planner, "init", f"--keys={keys}"], log=folder / "init.log", ready=lambda text: False).process.wait(60)
    server = Server(
        [
            *planner,
            "serve",
            f"--policy={policy}",
            f"--keys={keys}",
            f"--listen=127.0.0.1:{port}",
            f"--issuer-keys=github={issuer}",
            f"--audit={audit}",
            *limits,
        ],
        log=folder / "server.log",
        ready=lambda text: answers(port),
    )
    try:
        server.wait_until_ready()
        yield Registry(address=f"127.0.0.1:{port}", log=folder / "server.log"), audit
    finally:
        server.stop()


@contextmanager
def running_stack(program: Path, folder: Path, *, limits: tuple[str, ...] = ("--rate", "100000")) -> Iterator[Stack]:
    """`program` is the registry's. Everything stands in `folder`."""
    folder.mkdir(parents=True)
    with running_server(folder, *limits) as (spoken, audit):
        auth = {
            "realm": f"http://{spoken.address}/token",
            "service": issuing.AUDIENCE,
            "issuer": "planner-token-server",
            "jwks": os.fspath(folder / "keys.jwks"),
        }
        with (
            running_registry(program, folder / "registry", settings={"auth": {"token": auth}}) as registry,
            running_registry(program, folder / "open") as open_registry,
        ):
            (folder / "policy.yaml").write_text(POLICY.format(address=registry.address))
            yield Stack(
                registry=registry,
                open_registry=open_registry,
                realm=auth["realm"],
                server=spoken,
                audit=audit,
                folder=folder,
            )


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as knocking:
        knocking.settimeout(1)
        return knocking.connect_ex(("127.0.0.1", port)) == 0
