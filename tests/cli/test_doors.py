"""What defines a family is said where it is not `images.yaml` alone."""

from __future__ import annotations

from pathlib import Path

from tests.workspace import Workspace

YAML = "version: 1\nimages: {app: {}}\n"
BAKE = 'target "app" {}\n'


def test_the_door_that_was_taken_is_said_once(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n", "docker-bake.hcl": BAKE})
    space.commit()
    for _ in range(3):
        run = space.planner("plan", "--since", "HEAD")
        assert run.stderr == "planner: reading docker-bake.hcl\n"
    assert space.planner("-f", "docker-bake.hcl", "key").stderr == ""
    bake = space.planner("key").stdout
    space.write({"images.yaml": YAML})
    said = space.planner("key")
    assert said.stderr == "planner: reading images.yaml (passed over: docker-bake.hcl; -f names another one)\n"
    assert said.stdout == bake


def test_without_a_definition_the_keys_are_those_of_one(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write(
        {
            "base/Dockerfile": "FROM alpine:3.20\nCOPY tool.sh /\n",
            "base/tool.sh": "echo tool\n",
            "app/Dockerfile": "FROM acme/base\nCOPY main.c /\n",
            "app/main.c": "int main;\n",
        }
    )
    space.commit()
    found = space.planner("key")
    assert len(found.stdout.splitlines()) == 2
    space.write(
        {"images.yaml": "version: 1\nimages: {app: {context: app}, base: {context: base, tags: [acme/base]}}\n"}
    )
    assert sorted(space.planner("key").stdout.split()) == sorted(found.stdout.split())
