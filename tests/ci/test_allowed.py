"""What images take of the machine is allowed in the jobs of the protected branch, by name, and in no others."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import yaml

from tests.workspace import Workspace

BUILD, ALLOWED = " build --plan", "--allow fs.read=/etc/npm --allow fs.read=token --allow network.host --allow ssh"
GRAPH = """\
version: 1
registry: r.example/f
images:
  a: {secrets: ["id=n,src=/etc/npm", "id=t,src=../token", "id=own,src=own", "id=e,env=E"]}
  b: {dockerfile: b, network: host, ssh: [default]}
"""


def family(root: Path, graph: str = GRAPH) -> Workspace:
    """One whose graph file is in a folder of its repository."""
    top = Workspace(root / "top")
    top.write({"images/images.yaml": graph, "images/Dockerfile": "FROM x\n", "images/b": "FROM r.example/f/a\n"})
    top.commit()
    return Workspace(root / "top/images", init=False)


def written(space: Workspace, *words: str) -> str:
    run = space.planner("ci", *words, "-o", "-")
    assert run.returncode == 0, run.stderr
    assert "builds on main are allowed fs.read=/etc/npm, fs.read=token, network.host, ssh" in run.stderr
    return run.stdout


@pytest.mark.parametrize("words", [(), ("--static",)])
def test_github(tmp_path: Path, words: tuple[str, ...]) -> None:
    jobs = yaml.safe_load(written(family(tmp_path), "github", *words))["jobs"]
    builds = {name: job for name, job in jobs.items() if BUILD in str(job)}
    assert len(builds) == 3
    for name, job in builds.items():
        run = next(step["run"] for step in job["steps"] if BUILD in step.get("run", ""))
        assert (ALLOWED in run) == (name != "pull-request")
        assert "--allow" in str(job) or name == "pull-request"


@pytest.mark.parametrize(
    ("provider", "plan", "theirs"), [("gitlab", "plan-images", "merge-request"), ("buildkite", "plan", "pull request")]
)
def test_jobs_that_are_made_in_the_pipeline(tmp_path: Path, provider: str, plan: str, theirs: str) -> None:
    space = family(tmp_path)
    document = yaml.safe_load(written(space, provider))
    steps = document if provider == "gitlab" else {step.get("label"): step for step in document["steps"]}
    assert [name for name, step in steps.items() if "--allow" in str(step)] == [plan]
    assert BUILD in str(next(step for name, step in steps.items() if str(name).startswith(theirs)))
    line = next(line for line in str(steps[plan]["script" if provider == "gitlab" else "commands"]).split("', '")
                if " matrix " in line)  # fmt: skip
    assert ALLOWED in line
    made = space.planner("matrix", "--format", provider, "--all", *shlex.split(ALLOWED))
    assert made.stdout.count(f"{ALLOWED} -- ") == 2
    assert "--allow" not in space.planner("matrix", "--format", provider, "--all").stdout


def test_a_name_of_a_device_stays_a_word(tmp_path: Path) -> None:
    bake = {"target": {"a": {"entitlements": ["device=${{ github.token }}$(id)"], "tags": ["r.example/f/a"]}}}
    space = Workspace(tmp_path / "family")
    space.write({"docker-bake.json": json.dumps(bake).replace("${", "$${"), "Dockerfile": "FROM scratch\n"})
    run = space.planner("ci", "github", "-o", "-", PLANNER_REGISTRY="r.example/f")
    assert run.returncode == 0, run.stderr
    assert "'device=${{ '${{' }} github.token }}$(id)'" in run.stdout
