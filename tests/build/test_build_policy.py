"""A build policy beside a Dockerfile counts, and the build is held to it as buildx alone would hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build.family import Family
from tests.workspace import Workspace

ALLOW = 'package docker\n\ndefault allow := true\n\ndecision := {"allow": allow}\n'
DENY = 'package docker\n\ndefault allow := false\n\nallow if input.local\n\ndecision := {"allow": allow}\n'


def test_a_policy_that_denies_stops_the_build_as_in_buildx(family: Family) -> None:
    space = family()
    assert space.planner("build", "base", **space.engine.environment).returncode == 0
    space.write({"base.Dockerfile.rego": DENY})
    plan = space.document("plan", "base")
    (reason,) = plan["images"][0]["reasons"]
    assert (reason["code"], reason["detail"]) == ("argument-changed", "base.Dockerfile.rego is new")
    run = space.planner("build", "base", **space.engine.environment)
    assert run.returncode == 1
    assert "policy" in run.stderr
    space.write({"base.Dockerfile.rego": ALLOW})
    assert space.planner("build", "base", **space.engine.environment).returncode == 0
    assert space.document("plan", "base")["images"][0]["action"] == "reuse"
    (space.root / "base.Dockerfile.rego").unlink()
    assert space.document("plan", "base")["images"][0]["action"] == "reuse"


def test_what_is_kept_of_a_family_knows_its_policies(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write(
        {"images.yaml": "version: 1\nimages: {a: {}, b: {dockerfile: b/x}}\n", "Dockerfile": "FROM scratch\nCOPY f /\n"}
    )
    space.write({"f": "f\n", "b/x": "FROM scratch\nCOPY f /\n"})
    space.commit()

    def rebuilt() -> dict[str, list[str]]:
        images = space.document("plan", "--since", "HEAD")["images"]
        return {image["name"]: [one["detail"] for one in image["reasons"]] for image in images if image["reasons"]}

    assert rebuilt() == {}
    space.write({"Dockerfile.rego": ALLOW})
    assert rebuilt() == {"a": ["Dockerfile.rego is new"]}
    space.write({"f": "other\n"})
    assert rebuilt() == {"a": ["Dockerfile.rego is new", "f changed"], "b": ["f changed"]}
    space.write({"f": "f\n"})
    space.commit()
    assert rebuilt() == {}
    space.write({"Dockerfile.rego": DENY})
    (detail,) = rebuilt()["a"]
    assert detail.startswith("policy ")
    (space.root / "Dockerfile.rego").unlink()
    assert rebuilt() == {"a": ["Dockerfile.rego is gone"]}
    (space.root / "b/x.rego").symlink_to("../policies/p.rego")
    run = space.planner("plan", "--since", "HEAD")
    assert run.returncode == 1
    assert "b/x.rego: the build policy leads to no file in the workspace" in run.stderr
    space.write({"policies/p.rego": ALLOW})
    assert rebuilt()["b"] == ["policies/p.rego is new"]


@pytest.mark.parametrize(("path", "role"), [("Dockerfile.rego", "build-policy"), ("p.rego", "build-policy")])
def test_a_policy_is_a_path_that_an_image_reads(tmp_path: Path, path: str, role: str) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\nCOPY f /\n", "f": "f\n"})
    if path == "p.rego":
        space.write({path: ALLOW})
        (space.root / "Dockerfile.rego").symlink_to(path)
    space.commit()
    (image,) = space.document("affected", path)["images"]
    assert [place["role"] for place in image["paths"]] == [role]
    space.write({"f": "edited\n"})
    assert space.planner("affected", "other.rego").stdout == "0 of 1 image is affected\n"
    assert "holds the build to a policy that stands there" in space.planner("why-not", "a", "--file", path).stdout
    space.write({path: ALLOW})
    assert path in space.planner("query", "labels(srcs, a)").stdout


def test_a_policy_that_reads_files_where_buildx_is_started_is_unsure(family: Family) -> None:
    space = family()
    read = ALLOW.replace("default allow := true", 'allow := load_json("cwd://pins.json").allow')
    space.write({"base.Dockerfile.rego": read, "pins.json": '{"allow": true}\n'})
    run = space.planner("build", "base", **space.engine.environment)
    assert run.returncode == 0, run.stderr
    (image,) = space.document("plan", "base")["images"]
    assert [reason["code"] for reason in image["reasons"]] == ["unsure"]
    space.write({"pins.json": '{"allow": false}\n'})
    assert space.planner("build", "base", **space.engine.environment).returncode == 1
