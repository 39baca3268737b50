"""Writes a pipeline for Buildkite: a step that plans and uploads a step for each image that rebuilds.

The agent puts variables into what it uploads, so each dollar that a shell shall see is doubled here.
"""

from __future__ import annotations

from planner.ci.pipeline import PUBLISHED, Settings, refuse_unsafe_settings
from planner.ci.yaml_text import yaml_text

FILE = ".buildkite/pipeline.yml"
HEAD = """\
# Written by `{command}`; `{command} --check` says whether it is stale.
# {branch} builds what the registry lacks, with steps that the plan makes; pull requests build in one step, unpushed.
# An agent needs Python, pipx, git, Docker with buildx, and is logged in to the registry by the hooks of its own queue.
"""
Step = dict[str, object]


def buildkite_pipeline(settings: Settings, command: str) -> str:
    """The file, with `command` told as the one that wrote it. Raises PlannerError for what cannot be written safely."""
    refuse_unsafe_settings(settings)
    ours = f"build.pull_request.id == null && build.branch == '{settings.branch}'"
    steps = [_plan(settings, ours), _pull_request(settings)]
    if settings.locked:
        steps.append(_lock(settings))
    return f"{HEAD.format(command=command, branch=settings.branch)}\n{yaml_text({'steps': steps})}"


def _commands(*lines: str) -> list[str]:
    return [line.replace("$", "$$") for line in lines]


def _plan(settings: Settings, ours: str) -> Step:
    plan = settings.planner("plan", *PUBLISHED, "--out", "plan.json", "--format", "markdown")
    matrix = settings.planner("matrix", "--plan", "plan.json", "--format", "buildkite", "--setup", settings.install)
    return {
        "label": "plan",
        "key": "plan",
        "if": ours,
        "concurrency": 1,
        "concurrency_group": "images",
        "commands": _commands(
            settings.install,
            f"{plan} > plan.md",
            "buildkite-agent annotate --style info --context plan < plan.md",
            "buildkite-agent artifact upload plan.json",
            f"{matrix} > build.json",
            "buildkite-agent pipeline upload build.json",
        ),
    }


def _pull_request(settings: Settings) -> Step:
    """The base branch's name comes from outside: it reaches git behind the name of a remote, as one word."""
    return {
        "label": "pull request",
        "key": "pull-request",
        "if": "build.pull_request.id != null",
        "commands": _commands(
            settings.install,
            'base="$(git merge-base "origin/$BUILDKITE_PULL_REQUEST_BASE_BRANCH" HEAD)"',
            f'{settings.planner("plan")} --since "$base" --out plan.json --format markdown > plan.md',
            "buildkite-agent annotate --style info --context plan < plan.md",
            settings.planner("build", "--plan", "plan.json", "--keep-going"),
        ),
    }


def _lock(settings: Settings) -> Step:
    return {
        "label": "lock",
        "key": "lock",
        "if": "build.source == 'schedule'",
        "commands": _commands(settings.install, settings.planner("lock", "--check")),
    }
