"""A pull request's token cleans up its own scope; in main's, and in another's, the registry refuses to delete."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.trust import issuing
from tests.trust.pushing import Client, digest_of
from tests.trust.runs import environment_of
from tests.trust.stack import Stack
from tests.workspace import Workspace

ACTIONS = "pull,push,delete"
PR, MAIN = "pr/17", "main"


def client(stack: Stack, run: str, name: str) -> Client:
    """Of a run that asks for everything."""
    return Client(stack.registry, stack.token(issuing.token(run), f"repository:{name}:{ACTIONS}"))


def pushed(one: Client, name: str, tag: str) -> str:
    assert one.image(name, tag) == 201
    status, headers, body = one.send("GET", f"/v2/{name}/manifests/{tag}")
    assert status == 200
    assert headers["docker-content-digest"] == digest_of(body)
    return headers["docker-content-digest"]


def deleted(one: Client, name: str, reference: str) -> int:
    return one.send("DELETE", f"/v2/{name}/manifests/{reference}")[0]


@pytest.mark.parametrize(
    ("owner", "name"),
    [(MAIN, "images/app"), (MAIN, "cache/main/app"), ("pr/18", "pr/18/app"), ("release", "release/app")],
)
def test_a_pull_request_deletes_nothing_of_others(stack: Stack, owner: str, name: str) -> None:
    theirs = client(stack, owner, name)
    digest = pushed(theirs, name, "kept")
    for reference in (digest, "kept"):
        assert deleted(client(stack, PR, name), name, reference) in (401, 403)
        assert deleted(Client(stack.registry), name, reference) in (401, 403), "nobody at all"
    assert theirs.send("HEAD", f"/v2/{name}/manifests/{digest}")[0] == 200
    assert deleted(theirs, name, digest) == 202, "control: its owner"
    open_client = Client(stack.open_registry)
    assert deleted(open_client, name, pushed(open_client, name, "kept")) == 202, "control: enforcement off"


@pytest.mark.parametrize("name", ["pr/17/app", "cache/pr/17/app"])
def test_a_pull_request_cleans_up_its_own_scope(stack: Stack, name: str) -> None:
    own = client(stack, PR, name)
    digest = pushed(own, name, "mine")
    assert deleted(client(stack, "pr/18", name), name, digest) in (401, 403)
    assert deleted(own, name, digest) == 202
    assert own.send("HEAD", f"/v2/{name}/manifests/{digest}")[0] == 404


def test_the_planner_cleans_with_the_token_that_it_has(stack: Stack, tmp_path: Path) -> None:
    """`gc --scopes` of pull request 17 through its credential helper; main's is not reached, whatever it asks for."""
    space = Workspace(tmp_path / "family")
    space.write(
        {
            "images.yaml": f"version: 1\nregistry: {stack.registry.address}/images\nkeys: {{algorithm: sha256}}\n"
            "images: {own: {dockerfile: Dockerfile}}\n",
            "Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
            "policy.yaml": stack.policy(),
        }
    )
    space.commit()
    places = {"pr/17/own": PR, "cache/pr/17/own": PR, "images/own": MAIN, "pr/18/own": "pr/18"}
    for name, owner in places.items():
        pushed(client(stack, owner, name), name, "x")
    ended = tmp_path / "ended"
    ended.write_text("17\n")
    environment = {**environment_of(PR, tmp_path), **stack.client("gc", issuing.token(PR))}
    environment["PATH"] = os.pathsep.join([environment["PATH"], os.environ["PATH"]])
    run = space.planner("gc", "--scopes", "--closed", os.fspath(ended), "--apply", **environment)
    assert run.returncode == 0, run.stderr
    assert "does not list its repositories" in run.stderr
    statuses = {
        name: client(stack, owner, name).send("GET", f"/v2/{name}/manifests/x")[0] for name, owner in places.items()
    }
    left = {name for name, status in statuses.items() if status == 200}
    assert left == {"images/own", "pr/18/own"}
