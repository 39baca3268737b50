"""A pipeline needs a registry, and knows it where only the environment told it here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workspace import Workspace

PROVIDERS = ("github", "gitlab", "buildkite")
REGISTRY = {"PLANNER_REGISTRY": "r.example/fam/"}
TOLD = {"PLANNER_REGISTRY": "r.example/fam"}


@pytest.fixture
def baked(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "baked")
    space.write({"docker-bake.json": json.dumps({"target": {"a": {}}}), "Dockerfile": "FROM x\n"})
    space.commit()
    return space


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_one_it_is_refused(baked: Workspace, tmp_path: Path, provider: str) -> None:
    run = baked.planner("ci", provider, "-o", "-")
    assert (run.returncode, run.stdout) == (1, "")
    assert "PLANNER_REGISTRY" in run.stderr
    space = Workspace(tmp_path / "plain")
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM x\n"})
    run = space.planner("ci", provider, "-o", "-")
    assert (run.returncode, run.stdout) == (1, "")
    assert "registry:" in run.stderr


def environments(document: dict[str, Any]) -> dict[str, str]:
    """GitLab's are those of each job, since one pipeline may have jobs of several files."""
    jobs = [job["variables"] for job in document.values() if isinstance(job, dict) and "variables" in job]
    found: dict[str, str] = document.get("env") or document.get("variables") or {}
    return found or {
        name: value for name, value in TOLD.items() if jobs and all(job.get(name) == value for job in jobs)
    }


@pytest.mark.parametrize("provider", [*PROVIDERS, "github-request", "github-relay"])
def test_one_of_the_environment_is_written_into_the_pipeline(baked: Workspace, provider: str) -> None:
    run = baked.planner("ci", provider, "-o", "-", **REGISTRY)
    assert run.returncode == 0, run.stderr
    assert environments(yaml.safe_load(run.stdout)) == TOLD
    baked.write({"images.yaml": "version: 1\nregistry: r.example/fam\nimages: {a: {}}\n"})
    run = baked.planner("ci", provider, "-o", "-")
    assert environments(yaml.safe_load(run.stdout)) == {}, "the graph file says it"


@pytest.mark.parametrize("provider", ["gitlab", "buildkite"])
def test_what_the_plan_makes_knows_it_too(baked: Workspace, provider: str) -> None:
    run = baked.planner("matrix", "--all", "--format", provider, **REGISTRY)
    assert environments(json.loads(run.stdout)) == TOLD
    assert "--push" in run.stdout
    assert environments(json.loads(baked.planner("matrix", "--all", "--format", provider).stdout)) == {}


def test_argo_too(baked: Workspace) -> None:
    words = ("--image", "r.example/p:1", "--source", "https://git.example/a.git")
    run = baked.planner("export", "argo", "--all", *words, **REGISTRY)
    templates = yaml.safe_load(run.stdout)["spec"]["templates"]
    (container,) = (one["container"] for one in templates if "container" in one)
    assert {"name": "PLANNER_REGISTRY", "value": "r.example/fam"} in container["env"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_tag_at_a_registry_that_no_job_logs_in_to_is_told(tmp_path: Path, provider: str) -> None:
    space = Workspace(tmp_path / "family")
    tags = '["r.example/elsewhere:1", "other.example/a:1", "other.example/a:2"]'
    space.write({"images.yaml": f"version: 1\nregistry: r.example/fam\nimages: {{a: {{tags: {tags}}}}}\n"})
    space.write({"Dockerfile": "FROM x\n"})
    run = space.planner("ci", provider, "-o", "-")
    assert run.returncode == 0, run.stderr
    told = [line for line in run.stderr.splitlines() if "jobs log in to" in line]
    place = "a has a tag at other.example, and jobs log in to r.example alone"
    assert told == [f"planner: warning: {place}: its runners need a login there"]
    (space.root / "images.yaml").write_text("version: 1\nimages: {a: {tags: [other.example/a]}}\n")
    run = space.planner("ci", provider, "-o", "-")
    assert run.stderr.startswith("planner: a pipeline needs a registry")
