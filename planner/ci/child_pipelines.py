"""Turns CI jobs into the pipelines that GitLab and Buildkite load while they run: a job for each, with its true needs.

Both are written as JSON, which is YAML that no name can break out of.
"""

from __future__ import annotations

import json
import shlex

from planner.ci.jobs import DEFAULT_RUNNER, Job
from planner.ci.limits import BUILDKITE, GITLAB, refuse_too_long, refuse_too_many_needs
from planner.ci.matrix import Legs
from planner.ci.names import refuse_lines

PARENT = "PLANNER_PARENT_PIPELINE"
"""The variable by which GitLab's child pipeline finds the plan of the pipeline that started it."""


def gitlab_child(legs: Legs) -> str:
    """A child pipeline for `trigger: include: artifact`. Raises PlannerError for what is above GitLab's limits.

    A pipeline without jobs is an error there, so an empty one has a job that does nothing.
    """
    refuse_lines([*legs.setup, legs.plan_job])
    document: dict[str, object] = {"stages": ["build"]}
    if legs.environment:
        document["variables"] = dict(legs.environment)
    if legs.setup:
        document["default"] = {"before_script": list(legs.setup)}
    refuse_too_many_needs(legs.jobs)
    for job in legs.jobs:
        document[job.id] = _gitlab_job(legs, job)
    if not legs.jobs:
        document["nothing-to-build"] = {"stage": "build", "needs": [], "script": ["true"]}
    return refuse_too_long(json.dumps(document, indent=2), GITLAB, "GitLab")


def _gitlab_job(legs: Legs, job: Job) -> dict[str, object]:
    needs: list[dict[str, str]] = [{"job": need} for need in job.needs]
    if legs.plan:
        needs.insert(0, {"pipeline": f"${PARENT}", "job": legs.plan_job})
    written: dict[str, object] = {"stage": "build", "needs": needs}
    if job.runner != DEFAULT_RUNNER:
        written["tags"] = [job.runner]
    written["script"] = [shlex.join(legs.words(job))]
    return written


def buildkite_steps(legs: Legs) -> str:
    """Steps for `buildkite-agent pipeline upload`. Raises PlannerError for what is above Buildkite's limits.

    The agent puts variables into what it uploads, so every dollar of ours is doubled.
    """
    refuse_lines(legs.setup)
    steps = [_buildkite_step(legs, job) for job in legs.jobs]
    if not steps:
        steps = [{"label": "nothing to build", "command": "true"}]
    document = {**({"env": dict(legs.environment)} if legs.environment else {}), "steps": steps}
    return refuse_too_long(json.dumps(document, indent=2), BUILDKITE, "Buildkite")


def _buildkite_step(legs: Legs, job: Job) -> dict[str, object]:
    fetch = [f"buildkite-agent artifact download {shlex.quote(legs.plan)} ."] if legs.plan else []
    commands = [*legs.setup, *fetch, shlex.join(legs.words(job))]
    step: dict[str, object] = {
        "label": f"build {job.title}",
        "key": job.id,
        "commands": [command.replace("$", "$$") for command in commands],
    }
    if job.needs:
        step["depends_on"] = list(job.needs)
    if job.runner != DEFAULT_RUNNER:
        step["agents"] = {"queue": job.runner}
    return step
