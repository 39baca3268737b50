"""Clean-up of a real registry: what a ref, a pin or a list wants stays and can be pulled, the rest goes in steps."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from planner.registry.client import HttpRegistry
from planner.registry.whole import whole
from tests.build.family import FILES, BuildSpace
from tests.build.shared import clone
from tests.cli.test_documents import check
from tests.engine.engine import Engine

TWO_PLATFORMS = """\
version: 1
registry: {registry}
images:
  base: {{dockerfile: base.Dockerfile}}
  tool: {{dockerfile: tool.Dockerfile, platforms: [linux/amd64, linux/arm64]}}
"""
FRESH = ("--grace", "0", "--last", "1", "--ref", "main")


class Space(BuildSpace):
    """A family with an index that was published twice: once as it was before the last commit, and as it is."""

    registry: str
    before: dict[str, Any]
    after: dict[str, Any]

    def gc(self, *arguments: str) -> dict[str, Any]:
        run = self.planner("gc", *FRESH, *arguments, "--format", "json", **self.engine.environment)
        assert run.returncode == 0, run.stderr
        document: dict[str, Any] = json.loads(run.stdout)
        check("gc", document)
        return document

    def states(self, *arguments: str) -> dict[str, str]:
        return {one["digest"]: one["state"] for one in self.gc(*arguments)["manifests"]}

    def pulls(self, image: dict[str, Any]) -> bool:
        """Whether everything of an image is there."""
        if HttpRegistry().digest_of(image["repository"], image["digest"]) is None:
            return False
        whole(HttpRegistry(), image["repository"], image["digest"])
        return True


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> Space:
    registry = f"{engine.registry.address}/gc-{tmp_path.name.lower().replace('_', '-')[-30:]}"
    made = Space(tmp_path / "a", engine)
    made.registry = registry
    made.write(
        {
            "images.yaml": TWO_PLATFORMS.format(registry=registry),
            "base.Dockerfile": FILES["base.Dockerfile"],
            "tool.Dockerfile": "FROM scratch\nCOPY tool.txt /\n",
            "base.txt": "one\n",
            "tool.txt": "one\n",
        }
    )
    made.commit()
    made.before = made.build("--push")
    made.write({"base.txt": "two\n", "tool.txt": "two\n"})
    made.commit()
    made.after = made.build("--push")
    return made


def test_out_of_use_then_gone_and_back_before_that(space: Space, tmp_path: Path) -> None:
    old, new = space.before, space.after
    states = space.states()
    assert states[old["tool"]["digest"]] == states[old["base"]["digest"]] == "drop"
    assert states[new["tool"]["digest"]] == states[new["base"]["digest"]] == "keep"
    assert space.states() == states, "a plan does nothing"
    said = space.planner("gc", *FRESH, **space.engine.environment).stdout
    assert "no ref, pin or lease leads to it" in said
    assert "is wanted: main" in said

    space.gc("--apply")
    registry = HttpRegistry()
    for name in ("base", "tool"):
        assert registry.digest_of(old[name]["repository"], old[name]["key"]) is None
        assert space.pulls(old[name]), "untagged, and there"
        assert space.pulls(new[name])
    assert set(space.states("--apply").values()) == {"keep", "in-quarantine"}, "a second time changes nothing"
    assert space.gc()["quarantines"][0]["due"] is False

    run = space.planner("gc", "restore", *FRESH[2:], **space.engine.environment)
    assert "tags are back" in run.stdout, run.stderr
    assert registry.digest_of(old["tool"]["repository"], old["tool"]["key"]) == old["tool"]["digest"]
    assert space.states() == states

    space.gc("--apply")
    space.gc("--apply", "--wait", "0")
    for name in ("base", "tool"):
        assert not space.pulls(old[name])
        assert space.pulls(new[name])
    assert set(space.states().values()) == {"keep"}
    other = clone(space, tmp_path / "b")
    assert set(other.outcomes("--push").values()) == {"reused"}


def test_what_is_pinned_listed_tagged_or_on_a_branch_stays(space: Space, tmp_path: Path, engine: Engine) -> None:
    old = space.before
    drop = {old["base"]["digest"], old["tool"]["digest"]}

    def dropped(*arguments: str) -> set[str]:
        states = space.states(*arguments)
        return {digest for digest in drop if states[digest] == "drop"}

    assert dropped() == drop
    assert dropped("--grace", "1") == set()
    assert dropped("--last", "2") == set(), "the commit before is wanted too"
    listed = tmp_path / "keep"
    listed.write_text(f"# for the audit\n{old['base']['digest']}\ntool:x3-*\n")
    assert dropped("--keep", os.fspath(listed)) == set()
    space.git("branch", "release/1", "HEAD~1")
    assert dropped() == drop
    assert dropped("--ref", "release/*") == set()
    space.git("branch", "-D", "-q", "release/1")
    space.write({"deploy.yaml": f"image: {space.registry}/tool@{old['tool']['digest']}\n"})
    space.commit()
    assert dropped() == {old["base"]["digest"]}
    HttpRegistry().tag(old["base"]["repository"], old["base"]["digest"], "v1")
    assert dropped() == set()


def test_what_came_into_use_again_is_not_deleted(space: Space) -> None:
    old = space.before
    space.gc("--apply")
    space.git("branch", "again", "HEAD~1")
    HttpRegistry().tag(old["base"]["repository"], old["base"]["digest"], "v1")
    states = space.states("--ref", "again", "--apply", "--wait", "0")
    assert states[old["tool"]["digest"]] == "wanted-again"
    assert space.pulls(old["tool"])
    assert space.pulls(old["base"])
    assert HttpRegistry().digest_of(old["tool"]["repository"], old["tool"]["key"]) == old["tool"]["digest"]


def test_nothing_is_removed_where_something_cannot_be_read(space: Space, tmp_path: Path, engine: Engine) -> None:
    def refused(expected: str, *arguments: str) -> None:
        run = space.planner("gc", *FRESH, *arguments, "--apply", "--wait", "0", **engine.environment)
        assert run.returncode == 1, run.stdout
        assert expected in run.stderr
        assert "Traceback" not in run.stderr
        for name in ("base", "tool"):
            found = HttpRegistry().digest_of(space.before[name]["repository"], space.before[name]["key"])
            assert found == space.before[name]["digest"]

    refused('matches "nothing-like-it"', "--ref", "nothing-like-it")
    refused("cannot be read", "--keep", os.fspath(tmp_path / "none"))
    space.git("checkout", "-q", "-b", "broken")
    space.write({"images.yaml": "version: 1\nimages: {tool: {dockerfile: gone}}\n"})
    space.commit()
    space.git("checkout", "-q", "main")
    refused("repair it, or leave it out with --ref '!broken'", "--ref", "*")
    space.git("branch", "-q", "-D", "broken")

    name = f"{space.registry.partition('/')[2]}/base"
    storage = engine.folder / f"registry/storage/docker/registry/v2/repositories/{name}/_manifests/revisions/sha256"
    key = space.before["base"]["key"]
    record = HttpRegistry().digest_of(f"{space.registry}/base", f"rec-{key}")
    assert record is not None
    shutil.rmtree(storage / record.removeprefix("sha256:"))
    refused("is listed and not there")

    space.git("clone", "-q", "--depth", "1", f"file://{space.root}", os.fspath(tmp_path / "shallow"))
    shallow = BuildSpace(tmp_path / "shallow", engine, init=False)
    run = shallow.planner("gc", **engine.environment)
    assert run.returncode == 1
    assert "shallow" in run.stderr
