"""Promotion: the same digests elsewhere, with everything that they name and their records, and nothing by halves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from planner.registry.client import MANIFESTS
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space, spoil_record
from tests.cli.test_documents import check
from tests.engine.engine import Engine
from tests.engine.registry import running_registry


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> BuildSpace:
    name = tmp_path.name.lower().replace("_", "-")[-30:]
    return published_space(tmp_path / "a", engine, f"{engine.registry.address}/{name}")


def promote(space: BuildSpace, *arguments: str) -> dict[str, dict[str, object]]:
    run = space.planner("promote", *arguments, "--format", "json", **space.engine.environment)
    assert run.returncode == 0, run.stderr
    check("promote", json.loads(run.stdout))
    return {image["name"]: image for image in json.loads(run.stdout)["images"]}


def test_within_a_registry_blobs_are_mounted(space: BuildSpace, tmp_path: Path, engine: Engine) -> None:
    built = space.build("--push")
    target = f"{engine.registry.address}/prod-{tmp_path.name.lower().replace('_', '-')[-20:]}"
    dry = promote(space, "--to", target, "--dry-run")
    assert dry["app"]["moved"] is None
    assert engine.registry.tags(f"{target.partition('/')[2]}/app") == []
    moved = promote(space, "--to", target, "--tag", "v1")
    assert {word for image in moved.values() for word in image["moved"]} == {"mounted"}  # type: ignore[attr-defined]
    key = built["app"]["key"]
    tags = engine.registry.tags(f"{target.partition('/')[2]}/app")
    assert {"v1", "latest", key, f"rec-{key}"} <= set(tags)
    again = promote(space, "--to", target)
    assert {word for image in again.values() for word in image["moved"]} == {"there"}  # type: ignore[attr-defined]
    other = clone(space, tmp_path / "b")
    run = other.planner("plan", "--against", target, "--exit-code", "--format", "json", **engine.environment)
    assert run.returncode == 0, run.stderr
    found = {image["name"]: image for image in json.loads(run.stdout)["images"]}
    assert {name: image["digest"] for name, image in found.items()} == {
        name: image["digest"] for name, image in built.items() if name
    }


def test_to_another_registry_all_is_streamed_and_can_be_explained_there(
    space: BuildSpace, tmp_path: Path, engine: Engine
) -> None:
    built = space.build("--push")
    with running_registry(engine.programs / "registry", tmp_path / "registry") as other:
        moved = promote(space, "--to", f"{other.address}/prod", "tool", "base")
        assert list(moved) == ["base", "tool"]
        assert set(moved["base"]["moved"]) <= {"streamed", "there"}  # type: ignore[call-overload]
        assert other.tags("prod/app") == []
        shutil.rmtree(space.root / ".planner")
        space.write({"tool.txt": "edited\n"})
        run = space.planner("plan", "tool", "--against", f"{other.address}/prod", **engine.environment)
        assert "file changed: tool.txt changed" in run.stdout, run.stderr
        status, headers, _ = other.request(
            "GET", f"/v2/prod/tool/manifests/{built['tool']['digest']}", headers={"Accept": ", ".join(MANIFESTS)}
        )
        assert (status, headers["docker-content-digest"]) == (200, built["tool"]["digest"])


def test_what_is_not_published_stops_all(space: BuildSpace, tmp_path: Path, engine: Engine) -> None:
    space.build("--push", "base")
    target = f"{engine.registry.address}/never"
    run = space.planner("promote", "--to", target, **engine.environment)
    assert run.returncode == 1
    assert "tool as x3-" in run.stderr
    assert "base as" not in run.stderr
    assert engine.registry.tags("never/base") == []
    for wrong in (["--to", target, "--tag", "a/b"], ["--to", "published"], ["--to", "Not Right"]):
        assert space.planner("promote", *wrong, **engine.environment).returncode == 2


@pytest.mark.parametrize("part", ["layer", "manifest"])
def test_an_image_that_is_not_whole_is_refused(space: BuildSpace, engine: Engine, part: str, tmp_path: Path) -> None:
    built = space.build("--push", "base")
    name = (space.root / "images.yaml").read_text().split("registry: ")[1].split()[0].partition("/")[2]
    storage = engine.folder / "registry/storage/docker/registry/v2"
    digest = built["base"]["digest"].removeprefix("sha256:")
    if part == "layer":
        document = json.loads((storage / f"blobs/sha256/{digest[:2]}/{digest}/data").read_bytes())
        layer = document["layers"][-1]["digest"].removeprefix("sha256:")
        shutil.rmtree(storage / f"repositories/{name}/base/_layers/sha256/{layer}")
    else:
        shutil.rmtree(storage / f"repositories/{name}/base/_manifests/revisions/sha256/{digest}")
    run = space.planner("promote", "base", "--to", f"{engine.registry.address}/broken-{part}", **engine.environment)
    assert run.returncode == 1, run.stdout
    assert "Traceback" not in run.stderr
    assert engine.registry.tags(f"broken-{part}/base") == []


def test_a_record_that_cannot_be_read_is_not_replaced_by_one_that_says_less(
    space: BuildSpace, engine: Engine, tmp_path: Path
) -> None:
    key = space.build("--push", "base")["base"]["key"]
    source = (space.root / "images.yaml").read_text().split("registry: ")[1].split()[0]
    spoil_record(f"{source}/base", key)
    shutil.rmtree(space.root / ".planner")
    target = f"spoilt-{tmp_path.name.lower().replace('_', '-')[-20:]}"
    run = space.planner("promote", "base", "--to", f"{engine.registry.address}/{target}", **engine.environment)
    assert run.returncode == 0, run.stderr
    assert f"base:rec-{key} is no gzip" in run.stderr
    assert "base: its record cannot be read, so none is written" in run.stderr
    assert sorted(tag for tag in engine.registry.tags(f"{target}/base") if not tag.startswith("sha256-")) == sorted(
        ["latest", key]
    )
