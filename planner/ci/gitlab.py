"""Writes a whole pipeline for GitLab: a plan, a child pipeline that is made from it, and what merge requests may do.

The child's jobs wait for exactly what they read. Nothing that a merge request runs is given a login that can push.
"""

from __future__ import annotations

import shlex

from planner.ci.child_pipelines import PARENT
from planner.ci.jobs import alone, jobs_of
from planner.ci.limits import GITLAB, fitted, refuse_too_many_needs
from planner.ci.pipeline import OWN, PLAN, PUBLISHED, SHOWN, Settings, refuse_unpublished
from planner.ci.yaml_text import yaml_text

FILE = ".gitlab-ci.yml"
CHILD = f"{OWN}/build.yml"
HEAD = """\
# Written by `{command}`; `{command} --check` says whether it is stale.
# {branch} builds what the registry lacks, in a child pipeline that is made from the plan; merge requests push nothing.
# A runner needs Python, pipx, git, Docker with buildx, and a BuildKit that it may use.
"""
MERGE_REQUEST = '$CI_PIPELINE_SOURCE == "merge_request_event"'
NIGHTLY = '$CI_PIPELINE_SOURCE == "schedule"'
COMMENT = f"""\
curl --fail --silent --show-error --output /dev/null \
--header "PRIVATE-TOKEN: $PLANNER_COMMENT_TOKEN" --data-urlencode "body@{SHOWN}" \
"$CI_API_V4_URL/projects/$CI_MERGE_REQUEST_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"\
"""


def gitlab_pipeline(settings: Settings, command: str) -> str:
    """The file, with `command` told as the one that wrote it. Raises PlannerError for what cannot be written safely."""
    refuse_unpublished(settings)
    if settings.by == "level":
        refuse_too_many_needs(jobs_of(settings.work, fitted(settings.work, alone(settings.work), GITLAB)))
    branch = f'$CI_COMMIT_BRANCH == "{settings.branch}"'
    stages = ["plan", "build", "check"]
    rules = [{"if": MERGE_REQUEST}, {"if": branch}]
    parts: list[tuple[str, dict[str, object]]] = [
        ("", {**_variables(settings), "stages": stages, "workflow": {"rules": rules}}),
        ("What rebuilds, as a plan that every other job applies.", {"plan": _plan(settings)}),
        ("A job for each image that rebuilds; each waits for what it reads.", {"build": _build(settings, branch)}),
        ("A merge request builds in one job, and pushes nothing.", {"merge-request": _merge_request(settings)}),
        ("The plan as a note, where the masked variable PLANNER_COMMENT_TOKEN is set.", {"comment": _comment()}),
    ]
    if settings.locked:
        parts.append(("Says each night whether an image from outside moved.", {"lock": _lock(settings)}))
    written = (f"# {why}\n{yaml_text(part)}" if why else yaml_text(part) for why, part in parts)
    return "\n".join([HEAD.format(command=command, branch=settings.branch), *written])


def _variables(settings: Settings) -> dict[str, object]:
    """Variables of every job; the trigger hands them on to the child pipeline. A runner gets large files by itself."""
    found = {**settings.environment, **({"GIT_SUBMODULE_STRATEGY": "recursive"} if settings.submodules else {})}
    return {"variables": found} if found else {}


def _login(settings: Settings) -> list[str]:
    """The project's own registry by its job token, any other by two masked, protected variables."""
    host = shlex.quote(settings.host)
    return [
        f'if [ "$CI_REGISTRY" = {host} ]; then REGISTRY_USER="$CI_REGISTRY_USER"; '
        'REGISTRY_TOKEN="$CI_REGISTRY_PASSWORD"; fi',
        f'printf %s "$REGISTRY_TOKEN" | docker login {host} --username "$REGISTRY_USER" --password-stdin',
    ]


def _baseline(settings: Settings) -> str:
    """What a plan compares with. A merge request needs no registry for that, and no login, which could push."""
    base = "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
    lines = [
        f'if [ -n "{base}" ]; then',
        f'  set -- --since "{base}"',
        "else",
        *(f"  {line}" for line in _login(settings)),
        f"  set -- {' '.join(PUBLISHED)}",
        "fi",
    ]
    return "\n".join(lines)


def _setup(settings: Settings) -> list[str]:
    return [settings.install, *_login(settings)]


def _plan(settings: Settings) -> dict[str, object]:
    setup = [word for line in _setup(settings) for word in ("--setup", line)]
    by = [] if settings.by == "level" else ["--by", settings.by]
    matrix = settings.planner("matrix", "--plan", PLAN, "--format", "gitlab", *by, *setup)
    script = [
        settings.install,
        f"mkdir -p {OWN}",
        _baseline(settings),
        f'{settings.planner("plan")} "$@" --out {PLAN} --format markdown > {SHOWN}',
        f"{matrix} > {CHILD}",
    ]
    return {
        "stage": "plan",
        "interruptible": True,
        "variables": {"GIT_DEPTH": "0"},
        "script": script,
        "artifacts": {"paths": [PLAN, SHOWN, CHILD], "expire_in": "1 week"},
    }


def _build(settings: Settings, branch: str) -> dict[str, object]:
    return {
        "stage": "build",
        "needs": ["plan"],
        "rules": [{"if": branch}],
        "resource_group": settings.named("images"),
        "variables": {PARENT: "$CI_PIPELINE_ID"},
        "trigger": {"include": [{"artifact": CHILD, "job": "plan"}], "strategy": "depend"},
    }


def _merge_request(settings: Settings) -> dict[str, object]:
    build = settings.planner("build", "--plan", PLAN, "--keep-going")
    return {
        "stage": "build",
        "needs": ["plan"],
        "rules": [{"if": MERGE_REQUEST}],
        "interruptible": True,
        "script": [settings.install, build],
    }


def _comment() -> dict[str, object]:
    return {
        "stage": "check",
        "needs": ["plan"],
        "rules": [{"if": f"{MERGE_REQUEST} && $PLANNER_COMMENT_TOKEN"}],
        "interruptible": True,
        "variables": {"GIT_STRATEGY": "none"},
        "script": [COMMENT],
    }


def _lock(settings: Settings) -> dict[str, object]:
    return {
        "stage": "check",
        "needs": [],
        "rules": [{"if": NIGHTLY}],
        "script": [
            settings.install,
            *(_login(settings) if settings.private else []),
            settings.planner("lock", "--check"),
        ],
    }
