"""Writes a pipeline for Buildkite: a step that plans and uploads a step for each image that rebuilds.

A plan that was made while another build of the branch goes on would not know what tags name in the end, so that builds
go one at a time, from their plan to their last step.

The agent puts variables into what it uploads, so each dollar that a shell shall see is doubled here.
"""

from __future__ import annotations

from planner.ci.pipeline import OWN, PLAN, PUBLISHED, SHOWN, Settings, refuse_older, refuse_unpublished
from planner.ci.yaml_text import yaml_text

FILE = ".buildkite/pipeline.yml"
STEPS = f"{OWN}/build.json"
HEAD = """\
# Written by `{command}`; `{command} --check` says whether it is stale.
# {branch} builds what the registry lacks, with steps that the plan makes; pull requests build in one step, unpushed.
# An agent needs Python, pipx, git, Docker with buildx, and is logged in to the registry by the hooks of its own queue.
"""
GROUP = "$BUILDKITE_PIPELINE_SLUG/"
"""A group is known in the whole organisation. The agent puts in the name of the pipeline that it uploads for."""
AGAIN = '[ "${BUILDKITE_RETRY_COUNT:-0}${BUILDKITE_REBUILT_FROM_BUILD_ID:-}" = 0 ] || ' + refuse_older(
    "$BUILDKITE_BRANCH"
)
"""A job that is retried, and a build that is built again, are outside of the gate, or of its order."""
Step = dict[str, object]


def buildkite_pipeline(settings: Settings, command: str) -> str:
    """The file, with `command` told as the one that wrote it. Raises PlannerError for what cannot be written safely."""
    refuse_unpublished(settings)
    # The branch of a tag's build is the tag's name.
    ours = f"build.pull_request.id == null && build.tag == null && build.branch == '{settings.branch}'"
    steps = [_plan(settings, ours), _pull_request(settings)]
    if settings.locked:
        steps.append(_lock(settings))
    steps += [{"wait": None, "continue_on_failure": True, "if": ours}, _done(settings, ours)]
    document = {**settings.variables("env"), "steps": steps}
    return f"{HEAD.format(command=command, branch=settings.branch)}\n{yaml_text(document)}"


def _commands(*lines: str) -> list[str]:
    return [line.replace("$", "$$") for line in lines]


def _plan(settings: Settings, ours: str) -> Step:
    plan = settings.planner("plan", *PUBLISHED, "--out", PLAN, "--format", "markdown")
    words = ("--plan", PLAN, "--format", "buildkite", *settings.allowed, "--setup", AGAIN, "--setup", settings.install)
    matrix = settings.planner("matrix", *words)
    return {
        "label": "plan",
        "key": "plan",
        "if": ours,
        **_turn(settings),
        "commands": _commands(
            AGAIN,
            settings.install,
            f"mkdir -p {OWN}",
            f"{plan} > {SHOWN}",
            f"buildkite-agent annotate --style info --context plan < {SHOWN}",
            f"buildkite-agent artifact upload {PLAN}",
            f"{matrix} > {STEPS}",
            f"buildkite-agent pipeline upload {STEPS}",
        ),
    }


def _turn(settings: Settings) -> Step:
    return {"concurrency": 1, "concurrency_group": GROUP + settings.named("images")}


def _done(settings: Settings, ours: str) -> Step:
    """What closes the gate that `plan` opens (buildkite.com/docs, Controlling concurrency).

    Jobs of a group run one at a time in the order in which they were made, and an upload makes both of these at once.
    So the next build plans when what this one's plan uploaded has ended, well or not; steps are uploaded before the
    wait, which needs them all.
    """
    return {"label": "the next may plan", "key": "done", "if": ours, **_turn(settings), "command": "true"}


def _pull_request(settings: Settings) -> Step:
    """The base branch is fetched, since an agent keeps its clone and fetches what it builds alone.

    Its name comes from outside: it reaches git behind `refs/heads/`, as one word.
    """
    return {
        "label": "pull request",
        "key": "pull-request",
        "if": "build.pull_request.id != null",
        "commands": _commands(
            settings.install,
            'git fetch --quiet origin "refs/heads/$BUILDKITE_PULL_REQUEST_BASE_BRANCH"',
            'base="$(git merge-base FETCH_HEAD HEAD)"',
            f"mkdir -p {OWN}",
            f'{settings.planner("plan")} --since "$base" --out {PLAN} --format markdown > {SHOWN}',
            f"buildkite-agent annotate --style info --context plan < {SHOWN}",
            settings.planner("build", "--plan", PLAN, "--keep-going"),
        ),
    }


def _lock(settings: Settings) -> Step:
    return {
        "label": "lock",
        "key": "lock",
        "if": "build.source == 'schedule'",
        "commands": _commands(settings.install, settings.planner("lock", "--check")),
    }
