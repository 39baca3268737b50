"""Records that a registry keeps: what one builds, everyone reuses, explains and plans with."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from planner.registry.client import MANIFESTS, HttpRegistry
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space
from tests.build.test_cutoff import TWO_STAGES, prune
from tests.cli.test_documents import check
from tests.engine.engine import Engine

ACCEPT = {"Accept": ", ".join(MANIFESTS)}


@pytest.fixture
def space(tmp_path: Path, engine: Engine, prefix: str) -> BuildSpace:
    return published_space(tmp_path / "a", engine, prefix)


def digests(built: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: image["digest"] for name, image in built.items() if name}


def test_a_clone_reuses_all_that_the_first_one_built(space: BuildSpace, tmp_path: Path, engine: Engine) -> None:
    first = space.build("--push")
    other = clone(space, tmp_path / "b")
    plan = other.planner("plan", "--against", "published", "--format", "json", "--exit-code", **engine.environment)
    assert plan.returncode == 0, plan.stderr
    document = json.loads(plan.stdout)
    check("plan", document)
    assert {image["name"]: image["digest"] for image in document["images"]} == digests(first)
    second = other.build("--push")
    assert {image["outcome"] for name, image in second.items() if name} == {"reused"}
    assert digests(second) == digests(first)
    # Without --push too, and then what is not published is built here, with published parents.
    other.write({"app/main.sh": "echo other\n"})
    third = other.build("--against", "published")
    assert {name: image["outcome"] for name, image in third.items() if name} == {
        "base": "reused",
        "tool": "reused",
        "app": "built",
        "side": "reused",
    }
    assert third["app"]["store"] == "layout"


def test_what_was_pushed_elsewhere_is_pushed_here_too(space: BuildSpace, prefix: str) -> None:
    """A record of an image under another path says nothing of the one that is pushed to now."""
    first = space.build("--push")
    moved = f"{prefix}-moved"
    for path in ("images.yaml", *(f"{file.relative_to(space.root)}" for file in space.root.rglob("*Dockerfile*"))):
        space.write({path: (space.root / path).read_text().replace(f"{prefix}", moved)})
    second = space.build("--push")
    client = HttpRegistry()
    for name, digest in digests(second).items():
        assert client.digest_of(f"{moved}/{name}", digest) == digest, name
    assert digests(first) == digests(second)
    assert {image["outcome"] for name, image in space.build("--push").items() if name} == {"reused"}


def test_a_change_is_explained_by_what_was_published(space: BuildSpace, tmp_path: Path, engine: Engine) -> None:
    space.build("--push")
    other = clone(space, tmp_path / "b")
    shutil.rmtree(other.root / ".git")
    other.write({"tool.txt": "edited\n"})
    run = other.planner("plan", "--against", "published", **engine.environment)
    assert "file changed: tool.txt changed" in run.stdout, run.stderr
    run = other.planner("why", "app", "--from", "published", **engine.environment)
    assert "tool.txt" in run.stdout, run.stderr
    matrix = other.planner("matrix", "--against", "published", "--format", "json", **engine.environment)
    legs = json.dumps(json.loads(matrix.stdout))
    assert '"tool"' in legs
    assert '"side"' not in legs


def test_what_was_seen_serves_offline_and_says_its_age(space: BuildSpace, tmp_path: Path, engine: Engine) -> None:
    space.build("--push")
    other = clone(space, tmp_path / "b")
    offline = ("plan", "--against", "published", "--offline")
    run = other.planner(*offline, **engine.environment)
    assert run.returncode == 1
    assert "nothing is known of it here" in run.stderr
    assert other.planner("plan", "--against", "published", **engine.environment).returncode == 0
    nowhere = {**engine.environment, "HTTP_PROXY": "http://127.0.0.1:1"}
    run = other.planner(*offline, "--exit-code", "--format", "json", **nowhere)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["against"].endswith("seconds ago")
    snapshot = other.root / ".planner/published/snapshot.json"
    looked = snapshot.with_name("looked.json")
    told = json.loads(looked.read_text())
    told["looked"] = {name: time.time() - 7200 for name in told["looked"]}
    looked.write_text(json.dumps(told))
    assert "as it was 2 hours ago" in other.planner(*offline, "--format", "json", **nowhere).stdout
    snapshot.write_text('{"version": 1, "tags": 3')
    assert "nothing is known" in other.planner(*offline, **nowhere).stderr


def test_a_record_whose_image_is_gone_counts_as_absent(
    space: BuildSpace, tmp_path: Path, engine: Engine, prefix: str
) -> None:
    first = space.build("--push")
    name = prefix.partition("/")[2]
    assert engine.registry.request("DELETE", f"/v2/{name}/app/manifests/{first['app']['digest']}")[0] == 202
    for one in (space, clone(space, tmp_path / "b")):
        run = one.planner("plan", "--against", "published", "--format", "json", **engine.environment)
        building = [image["name"] for image in json.loads(run.stdout)["images"] if image["action"] == "build"]
        assert building == ["app"]
    again = space.build("--push")
    assert again["app"]["outcome"] == "built"
    assert again["app"]["digest"] == first["app"]["digest"], "builds come out equal"
    assert set(clone(space, tmp_path / "c").outcomes("--push").values()) == {"reused"}


def test_records_are_attached_and_named(space: BuildSpace, engine: Engine, prefix: str) -> None:
    built = space.build("--push")
    name = f"{prefix.partition('/')[2]}/tool"
    key, digest = built["tool"]["key"], built["tool"]["digest"]
    tags = engine.registry.tags(name)
    assert {key, "latest", f"rec-{key}", "rec-latest", digest.replace(":", "-")} <= set(tags)
    _, _, body = engine.registry.request("GET", f"/v2/{name}/manifests/rec-{key}", headers=ACCEPT)
    record = json.loads(body)
    assert record["subject"]["digest"] == digest
    _, _, body = engine.registry.request("GET", f"/v2/{name}/manifests/{digest.replace(':', '-')}", headers=ACCEPT)
    listed = json.loads(body)["manifests"]
    assert [one["artifactType"] for one in listed] == [record["artifactType"]]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"artifactType": "application/vnd.image-family-planner.record.v1+json"}',
        b'{"schemaVersion": 2, "artifactType": "x", "annotations": []}',
    ],
)
def test_a_record_that_is_none_counts_as_absent(
    space: BuildSpace, tmp_path: Path, engine: Engine, prefix: str, body: bytes
) -> None:
    """A registry stores what anybody pushes; here the tag of a record is pushed over with something else."""
    space.build("--push", "base")
    name = f"{prefix.partition('/')[2]}/base"
    key = space.keys()["base"]
    _, _, real = engine.registry.request("GET", f"/v2/{name}/manifests/rec-{key}", headers=ACCEPT)
    document = {**json.loads(real), **json.loads(body)}
    if "annotations" not in json.loads(body):
        document["annotations"] = {}
    kind = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    document = {field: value for field, value in document.items() if value != []}
    status, _, said = engine.registry.request(
        "PUT", f"/v2/{name}/manifests/rec-{key}", json.dumps(document).encode(), kind
    )
    assert status == 201, said
    other = clone(space, tmp_path / "b")
    run = other.planner("plan", "base", "--against", "published", "--exit-code", **engine.environment)
    assert run.returncode == 3
    assert "is no record" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_registry_that_does_not_answer_is_an_error_that_says_what_to_do(space: BuildSpace) -> None:
    run = space.planner("plan", "--against", "127.0.0.1:1/fam")
    assert run.returncode == 1
    assert "127.0.0.1:1: does not answer" in run.stderr
    assert "--offline" in run.stderr
    for named in ("published", "HOST/Not Right"):
        space.write({"images.yaml": "version: 1\nimages: {base: {dockerfile: base.Dockerfile}}\n"})
        assert space.planner("plan", "--against", named).returncode == 2


def test_early_cutoff_works_across_clones(tmp_path: Path, engine: Engine, prefix: str) -> None:
    space = published_space(tmp_path / "a", engine, prefix, base__Dockerfile=TWO_STAGES)
    first = space.build("--push")
    space.write({"base.txt": "two\n"})
    space.commit()
    other = clone(space, tmp_path / "b")
    prune(engine)
    second = other.build("--push")
    assert {name: image["outcome"] for name, image in second.items() if name} == {
        "base": "built",
        "tool": "cut-off",
        "app": "cut-off",
        "side": "cut-off",
    }
    assert digests(second) == digests(first)
    third = clone(space, tmp_path / "c").build("--push")
    assert {image["outcome"] for name, image in third.items() if name} == {"reused"}
    assert third["app"]["digest"] == first["app"]["digest"]
