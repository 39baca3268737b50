"""`build --push` lets tags name the state that it publishes, also where that was built long ago."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.registry.client import HttpRegistry
from tests.build.family import BuildSpace
from tests.build.shared import published_space
from tests.engine.engine import Engine

CLIENT = HttpRegistry()


@pytest.fixture
def space(tmp_path: Path, engine: Engine, prefix: str) -> BuildSpace:
    """The small family, published."""
    made = published_space(tmp_path / "a", engine, prefix)
    made.build("--push")
    return made


def reasons(space: BuildSpace, *arguments: str) -> dict[str, list[str]]:
    run = space.planner("plan", "--against", "published", "--format", "json", *arguments)
    assert run.returncode == 0, run.stderr
    images = json.loads(run.stdout)["images"]
    return {image["name"]: [one["detail"] for one in image["reasons"]] for image in images if image["reasons"]}


def test_after_a_revert_tags_name_what_came_back(space: BuildSpace, prefix: str) -> None:
    names = [(f"{prefix}/{name}", tag) for name in ("base", "app") for tag in ("latest", "rec-latest")]
    before = [CLIENT.digest_of(*name) for name in names]
    space.write({"base.txt": "bad\n"})
    space.build("--push")
    for name, digest in zip(names, before, strict=True):
        assert CLIENT.digest_of(*name) != digest
    space.write({"base.txt": "one\n"})
    assert reasons(space) == {}, "no key is new"
    assert reasons(space, "--push")["app"] == [f"{prefix}/app:latest names another state"]
    built = space.build("--push")
    assert {image["outcome"] for name, image in built.items() if name} == {"reused"}
    assert [CLIENT.digest_of(*name) for name in names] == before
    assert reasons(space, "--push") == {}


def test_a_new_tag_is_published(space: BuildSpace, prefix: str) -> None:
    """No key holds the tags: nothing has to be built for one."""
    tags = f'tags: ["{prefix}/app:2", "{prefix}/elsewhere:2"]'
    text = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": text.replace("app.Dockerfile}", f"app.Dockerfile, {tags}}}")})
    assert list(reasons(space, "--push")) == ["app"]
    built = space.build("--push")
    assert {image["outcome"] for name, image in built.items() if name} == {"reused"}
    digest = CLIENT.digest_of(f"{prefix}/app", "latest")
    assert digest is not None
    assert [CLIENT.digest_of(f"{prefix}/{name}", "2") for name in ("app", "elsewhere")] == [digest, digest]
