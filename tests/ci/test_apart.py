"""Two families of one repository: neither cancels, waits for or overwrites what the other one does."""

from __future__ import annotations

import re
from dataclasses import replace
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
    groups = [yaml.safe_load(gitlab_pipeline(settings(place), "x"))["turn"]["resource_group"] for place in PLACES]
    assert groups[0] == "images"
    assert len(set(groups)) == len(PLACES)
    assert all(re.fullmatch(r"[A-Za-z0-9_${}. /-]{1,255}", group) and not group.endswith("/") for group in groups)


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
