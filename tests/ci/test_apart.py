"""Two families of one repository: neither cancels, waits for or overwrites what the other one does."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.ci.buildkite import buildkite_pipeline
from planner.ci.github import workflow
from planner.ci.github_relay import relay_workflow, request_workflow
from planner.ci.gitlab import gitlab_pipeline
from planner.ci.pipeline import Settings
from planner.policy.workflow_lint import lint
from tests.ci import judged
from tests.ci.install import gitlab_ci_local
from tests.ci.test_places import Workspace, planner, space

__all__ = ["space"]
PLACES = ("", "images/team", "images/other", "images/team/other.yaml", "my images", "it's ${{ x }} -->", "a--b", "-a")


def settings(place: str) -> Settings:
    return replace(judged.settings_of(1), place=place)


def github(place: str) -> tuple[str, str, str]:
    document = yaml.safe_load(workflow(settings(place), "x"))
    script = document["jobs"]["comment"]["steps"][-1]["run"]
    (mark,) = set(re.findall(r"<!--.*?-->", script))
    assert script.count(mark) == 2
    return document["name"], document["concurrency"]["group"], mark


def test_on_github() -> None:
    told = [github(place) for place in PLACES]
    assert told[0] == (
        "images",
        "images-${{ github.event.pull_request.number || github.ref }}",
        "<!-- planner plan -->",
    ), "a family alone is called as ever"
    for names in zip(*told, strict=True):
        assert len(set(names)) == len(PLACES)
    marks = [mark for _, _, mark in told]
    assert not any(one.startswith(other) for one in marks for other in marks if one != other)
    assert "images/team" in told[1][0]
    assert all("'" not in "".join(one) and "{{ x" not in "".join(one) for one in told)
    judged.judge_github([3])


def test_the_relays_workflows() -> None:
    for write in (request_workflow, relay_workflow):
        made = [yaml.safe_load(write(settings(place), "x")) for place in PLACES]
        assert len({one["name"] for one in made}) == len({one["concurrency"]["group"] for one in made}) == len(PLACES)
    for place in PLACES:
        asks = yaml.safe_load(request_workflow(settings(place), "x"))["name"]
        document: dict[Any, Any] = yaml.safe_load(relay_workflow(settings(place), "x"))
        assert document["on"]["workflow_run"]["workflows"] == [asks]
    assert lint(relay_workflow(settings("a/b"), "x").encode(), "w.yml") == ()


def test_on_gitlab() -> None:
    made = [yaml.safe_load(gitlab_pipeline(settings(place), "x")) for place in PLACES]
    groups = [job["resource_group"] for one in made for name, job in one.items() if name.startswith("turn")]
    assert groups[0] == "images"
    assert len(set(groups)) == len(PLACES)
    assert all(re.fullmatch(r"[A-Za-z0-9_${}. /-]{1,255}", group) and not group.endswith("/") for group in groups)


def test_gitlab_has_the_jobs_of_all_files_that_it_includes(tmp_path: Path) -> None:
    """Of two jobs of one name it takes the one that comes last, and says nothing: the other family was never built."""
    includes = []
    for number, place in enumerate(PLACES[:4]):
        one = replace(settings(place), file=f"{number}.yml", branch=f"branch{number}", locked=True)
        (tmp_path / f"{number}.yml").write_text(gitlab_pipeline(one, "x"))
        includes.append({"local": f"{number}.yml"})
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / ".git/config").open("a").write('[remote "origin"]\n\turl = git@gitlab.example:a/b.git\n')
    (tmp_path / ".gitlab-ci.yml").write_text(yaml.safe_dump({"include": includes}))
    argv = [os.fspath(gitlab_ci_local()), "--preview"]
    run = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    document = yaml.safe_load(run.stdout)
    for kind in ("plan", "turn", "build", "merge-request", "comment"):
        jobs = {name: job for name, job in document.items() if name == kind or name.startswith(f"{kind}-")}
        assert len(jobs) == 4, kind
        for name, job in jobs.items():
            needs = [need["job"] for need in job.get("needs") or []]
            assert needs == ([] if kind in ("plan", "turn") else [name.replace(kind, "plan")])
    assert "workflow" not in document, "the last file's would be that of all: pushes to other branches built nothing"
    for kind in ("plan", "turn", "build", "lock"):
        jobs = [job for name, job in document.items() if name == kind or name.startswith(f"{kind}-")]
        for number, job in enumerate(jobs):
            rules = [rule["if"] for rule in job["rules"] if "merge_request" not in rule["if"] and "when" not in rule]
            assert all(rule.endswith(f'$CI_COMMIT_BRANCH == "branch{number}"') for rule in rules) and rules
    plans = [job for name, job in document.items() if name.startswith("plan")]
    assert all("--plan-job" in str(job) for job in plans[1:])


def test_on_buildkite() -> None:
    """A group spans the whole organisation there; the agent puts the pipeline's name in while it uploads."""
    steps = [yaml.safe_load(buildkite_pipeline(settings(place), "x"))["steps"][0] for place in PLACES]
    groups = [step["concurrency_group"] for step in steps]
    assert all(group.startswith("$BUILDKITE_PIPELINE_SLUG/") and group.count("$") == 1 for group in groups)
    assert len(set(groups)) == len(PLACES)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("-C", "images/team"), "images in images/team"),
        (("-C", "images/team", "-f", "other.yaml"), "images in images/team/other.yaml"),
        (("-C", "images/team", "-f", "images.yaml"), "images in images/team"),
    ],
)
def test_the_command_tells_them_apart(space: Workspace, words: tuple[str, ...], name: str) -> None:
    run = planner(space, ".", *words, "ci", "github", "-o", "-")
    assert yaml.safe_load(run.stdout)["name"] == name, run.stderr
