"""Which frontends a relay takes from a pull request: an older one reads another Dockerfile than the planner does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.cli.relay_lock import strange_frontends
from planner.model.frozen import replace
from planner.model.image import ImageName
from planner.registry.client import HttpRegistry
from planner.sources import lock_file, yaml_file
from planner.sources.load import load
from planner.sources.loaded import LoadedFamily
from tests.memory import MemoryTree

OLD, NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
ONE = "docker.io/docker/dockerfile:1"


class Registry(HttpRegistry):
    """Says what Docker's newest frontend is."""

    def manifest(self, repository: str, reference: str) -> tuple[str, Any]:
        assert (repository, reference) == ("docker.io/docker/dockerfile", "1")
        return NEW, {}


def family(syntax: str, locked: str = "") -> LoadedFamily:
    frontends = {ONE: {"digest": locked}} if locked else {}
    lock = {"version": 1, "images": {}, "frontends": frontends}
    tree = MemoryTree(
        {
            "images.yaml": "version: 1\nimages:\n  app: {}\n",
            "Dockerfile": f"# syntax={syntax}\nFROM scratch\nCOPY <<#X /a\nFROM r.example/pr/18/secret\n#X\n",
            lock_file.NAME: json.dumps(lock),
        }
    )
    read = yaml_file.read(tree.read("images.yaml", 1 << 20), "images.yaml", {}, {})
    return load(replace(read, lock=lock_file.read_in(tree)), tree)


def strange(theirs: LoadedFamily, main: LoadedFamily) -> list[str]:
    return strange_frontends(theirs, [ImageName("app")], lambda: main, Registry())


@pytest.mark.parametrize("tag", ["", ":1", ":latest", ":1-labs", "-upstream:master"])
def test_the_newest_one_is_taken(tag: str) -> None:
    assert not strange(family(f"docker/dockerfile{tag}"), family("docker/dockerfile:1.2"))


@pytest.mark.parametrize(
    "syntax", ["docker/dockerfile:1.2", "docker/dockerfile:1.7-labs", f"docker/dockerfile:1@{OLD}"]
)
def test_an_older_one_is_taken_where_main_reads_it_too(syntax: str) -> None:
    """Before 1.4 there are no here-documents: the second FROM is a stage, and the last one is built."""
    (told,) = strange(family(syntax), family("docker/dockerfile:1"))
    assert "neither the newest one nor one of main's" in told
    assert not strange(family(syntax), family(syntax))


def test_a_lock_that_holds_it_to_an_older_one_is_not_believed() -> None:
    syntax = "docker/dockerfile:1"
    assert strange(family(syntax, OLD), family(syntax))
    assert strange(family(syntax, OLD), family(syntax, NEW))
    assert not strange(family(syntax, OLD), family(syntax, OLD)), "main's own"
    assert not strange(family(syntax, NEW), family(syntax, OLD)), "what the registry says now"


def test_others_are_never_taken() -> None:
    (told,) = strange(family("acme/dockerfile:1"), family("acme/dockerfile:1"))
    assert "none of Docker's own" in told
