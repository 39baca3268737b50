"""The lock against a registry with token authentication: with a login it is asked, without one it says so."""

from __future__ import annotations

from pathlib import Path

from tests.trust import issuing
from tests.trust.pushing import Client
from tests.trust.stack import Stack
from tests.workspace import Workspace

NAME = "cache/release/locked"
SCOPE = f"repository:{NAME}:pull,push"


def push(stack: Stack, content: bytes) -> None:
    token = stack.token(issuing.token("release"), SCOPE)
    assert Client(stack.registry, token).image(NAME, "1", content) == 201


def test_a_moved_tag_moves_its_reader_after_an_upgrade_only(stack: Stack, tmp_path: Path) -> None:
    push(stack, b"first")
    space = Workspace(tmp_path / "family")
    space.write(
        {
            "images.yaml": "version: 1\nimages:\n  reader: {dockerfile: reader}\n  other: {dockerfile: other}\n",
            "reader": f"FROM {stack.registry.address}/{NAME}:1\nLABEL a=b\n",
            "other": "FROM scratch\nLABEL a=b\n",
        }
    )
    space.commit()
    login = stack.client("locker", issuing.token("release"))

    refused = space.planner("lock", DOCKER_CONFIG=str(tmp_path))
    assert refused.returncode == 1
    assert stack.registry.address in refused.stderr
    assert not (space.root / "images.lock").exists()

    locked = space.planner("lock", **login)
    assert locked.returncode == 0, locked.stderr
    assert issuing.token("release") not in locked.stdout + locked.stderr
    space.commit()
    assert space.planner("lock", "--check", **login).returncode == 0
    keys = space.planner("key").stdout

    push(stack, b"second")
    assert space.planner("key").stdout == keys
    assert space.planner("lock", "--check", **login).returncode == 3
    assert space.planner("lock", "--upgrade", **login).returncode == 0
    plan = {image["name"]: image["action"] for image in space.document("plan", "--since", "HEAD")["images"]}
    assert plan == {"reader": "build", "other": "reuse"}
