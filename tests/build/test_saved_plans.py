"""A saved plan is applied to the images that are named, and to parents that nobody has any more."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.build.family import FILES, BuildSpace, Family
from tests.engine.engine import Engine


def saved(space: BuildSpace, tmp_path: Path, *arguments: str) -> str:
    """The plan of the family, in a file."""
    plan = os.fspath(tmp_path / "plan.json")
    assert space.planner("plan", "--out", plan, *arguments).returncode == 0
    return plan


def test_the_images_that_are_named_are_built_with_what_they_need(family: Family, tmp_path: Path) -> None:
    space = family()
    plan = saved(space, tmp_path)
    levels = json.loads(space.planner("matrix", "--plan", plan, "tool", "--format", "json").stdout)["levels"]
    assert [name for level in levels for leg in level["include"] for name in leg["images"].split()] == ["base", "tool"]
    baked = json.loads(space.planner("bake", "--plan", plan, "tool").stdout)["target"]
    assert list(baked) == ["base", "tool"]
    assert space.outcomes("--plan", plan, "tool") == {"base": "built", "tool": "built"}
    assert space.outcomes("--plan", plan, "s*") == {"base": "reused", "side": "built"}


@pytest.mark.parametrize("command", ["build", "matrix", "bake"])
def test_a_name_that_the_plan_does_not_have(family: Family, tmp_path: Path, command: str) -> None:
    space = family()
    plan = saved(space, tmp_path, "tool")
    run = space.planner(command, "--plan", plan, "tol")
    assert (run.returncode, 'no image is named "tol"' in run.stderr) == (1, True)
    run = space.planner(command, "--plan", plan, "app")
    assert (run.returncode, f"{plan}: has no image app" in run.stderr) == (1, True)


def test_a_saved_plan_has_its_baseline_already(family: Family, tmp_path: Path) -> None:
    space = family()
    plan = saved(space, tmp_path)
    for command in ("matrix", "bake"):
        for words in (("--since", "HEAD"), ("--all",), ("--against", "r.example/x")):
            run = space.planner(command, "--plan", plan, *words)
            assert (run.returncode, f"--plan and {words[0]}" in run.stderr) == (2, True)
    run = space.planner("build", "--plan", plan, "--all")
    assert (run.returncode, "--plan and --all" in run.stderr) == (2, True)


def test_a_parent_that_nobody_has_is_built_too(family: Family, tmp_path: Path) -> None:
    """A pull request's runner is new: what the plan reuses is in no record of its own, and perhaps in no registry."""
    space = family()
    space.write({"app/main.sh": "echo changed\n"})
    plan = saved(space, tmp_path, "--since", "HEAD")
    found = space.build("--plan", plan, "--keep-going")
    said = found.pop("")["error"]
    assert {name: one["outcome"] for name, one in found.items()} == {
        "base": "built",
        "tool": "built",
        "app": "built",
        "side": "reused",
    }
    assert "app reads tool, which is neither recorded nor published: it is built too" in said
    assert "tool reads base" in said
    assert "registry.example" in said, "the registry that does not answer is told of"
    assert space.outcomes("--plan", plan) == {"base": "reused", "tool": "reused", "app": "reused", "side": "reused"}
    shutil.rmtree(space.root / ".planner")
    run = space.planner("build", "--plan", plan, "--only", "app", **space.engine.environment)
    assert run.returncode == 1


def test_without_only_nobody_is_told_to_leave_it_out(family: Family, engine: Engine, tmp_path: Path) -> None:
    address = f"{engine.registry.address}/saved"
    moved = {path: text.replace("registry.example/fam", address) for path, text in FILES.items()}
    space = family(**{path.replace(".", "__"): text for path, text in moved.items() if text != FILES[path]})
    space.write({"app/main.sh": "echo changed\n"})
    plan = saved(space, tmp_path, "--since", "HEAD")
    run = space.planner("build", "--plan", plan, "--only", "app", **space.engine.environment)
    assert "leave out --only" in run.stderr
    run = space.planner("bake", "--plan", plan)
    assert "app reads tool" in run.stderr
    assert "leave out" not in run.stderr
    pushed = space.build("--plan", plan, "--push")
    assert [pushed[name]["outcome"] for name in ("base", "tool", "app")] == ["built"] * 3
    assert pushed["tool"]["repository"] == f"{address}/tool"


def test_a_bake_file_of_kept_facts(family: Family) -> None:
    """The second time nothing is read that the first one kept, but what the targets are made of."""
    space = family()
    for _ in range(2):
        run = space.planner("bake", "--since", "HEAD", "--all")
        assert run.returncode == 0, run.stderr
        assert list(json.loads(run.stdout)["target"]) == ["base", "tool", "side", "app"]
