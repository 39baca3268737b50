"""What keeps a run on GitHub from passing, or from taking another family's plan, where GitHub itself says nothing."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.ci.github import workflow
from tests.ci import judged


def written(seed: int, **changed: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow(replace(judged.settings_of(seed), **changed), "planner ci github"))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_run_without_a_matrix_does_not_pass(seed: int) -> None:
    """The runner leaves out an output that holds the value of a secret; all other jobs are skipped then."""
    job = written(seed)["jobs"]["withheld"]
    assert (job["needs"], job["if"]) == ("plan", "needs.plan.outputs.matrix == ''")
    (step,) = job["steps"]
    run = subprocess.run(["bash", "-e", "-c", step["run"]], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout.startswith("::error::GitHub withheld")
    assert run.stdout.count("\n") == 1


def artifacts(document: dict[str, Any]) -> set[str]:
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    return {step["with"]["name"] for step in steps if "load-artifact@" in step.get("uses", "")}


def test_each_familys_plan_has_its_own_name() -> None:
    """Workflows that one other calls share the artifacts of its run. A name of one takes no slash."""
    names = [artifacts(written(1, place=place)) for place in ("", "images", "images/more", "images-more", 'a"b:c*?')]
    assert all(len(one) == 1 for one in names)
    found = [name for one in names for name in one]
    assert len(set(found)) == len(found)
    assert found[0] == "plan"
    assert not set("".join(found)) & set('"/\\:<>|*?\r\n')


def test_a_merge_queue_is_asked_and_pushes_nothing() -> None:
    """Whatever a queue holds may be a fork's, and its run has the repository's own token and secrets."""
    for seed in range(8):
        document = written(seed)
        assert document["on"]["merge_group"] == {"types": ["checks_requested"]}
        jobs = document["jobs"]
        assert "github.event_name == 'merge_group'" in jobs["pull-request"]["if"]
        for name, job in jobs.items():
            if name.startswith(("level", "build-")):
                assert "github.ref == 'refs/heads/" in job["if"], "the ref of a queue is another one"
            elif name not in ("plan", "pull-request", "withheld"):
                assert job["if"].startswith("github.event_name == '")
        for step in (one for one in jobs["plan"]["steps"] if "secrets." in str(one) or "auth@" in str(one)):
            assert "github.event_name != 'merge_group'" in step["if"]


@pytest.mark.parametrize("static", [False, True])
def test_a_run_that_is_started_again_does_not_go_back(tmp_path: Path, static: bool) -> None:
    """Its tags would name an older commit's images, and no run would follow it."""
    stub = tmp_path / "curl"
    stub.write_text('#!/bin/sh\nfor last in "$@"; do :; done\necho "$last" > "$ASKED"\nprintf %s "$NEWEST"\n')
    stub.chmod(0o755)
    asked = tmp_path / "asked"
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "ASKED": os.fspath(asked),
        "GH_TOKEN": "token",
        "GITHUB_API_URL": "https://api.github.example",
        "GITHUB_REPOSITORY": "acme/images",
        "GITHUB_REF_NAME": "main",
        "GITHUB_SHA": "1" * 40,
    }
    jobs = {
        name: job for name, job in written(1, static=static)["jobs"].items() if name.startswith(("level", "build-"))
    }
    assert jobs
    for job in jobs.values():
        first = job["steps"][0]
        assert (first["if"], first["env"]) == ("github.run_attempt != '1'", {"GH_TOKEN": "${{ github.token }}"})
    for newest, status in (("1" * 40, 0), ("2" * 40, 1), ("", 1)):
        run = subprocess.run(
            ["bash", "-e", "-c", first["run"]],
            env={**environment, "NEWEST": newest},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == status, run.stderr
        assert run.stdout.startswith("::error::main is at") is bool(status)
    assert asked.read_text() == "https://api.github.example/repos/acme/images/commits/main\n"


@pytest.mark.parametrize("static", [False, True])
def test_no_login_stays_on_a_runner(static: bool) -> None:
    """The home of a runner of one's own outlives the job."""
    for seed in range(8):
        for name, job in written(seed, static=static)["jobs"].items():
            if name.startswith(("level", "build-")):
                last = job["steps"][-1]
                host = judged.settings_of(seed).host
                assert (last["if"], last["run"]) == ("always()", f"docker logout {host}")
