"""Writes a whole pipeline for GitLab: a plan, a child pipeline that is made from it, and what merge requests may do.

The branch is planned and built by one pipeline at a time: a plan that was made while another pipeline builds would not
know what tags name in the end. So the trigger that waits for its turn starts this file once more, as a child, which
plans and starts the jobs that build as a child of its own. Those wait for exactly what they read. Nothing that a merge
request runs is given a login that can push.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from planner.ci.child_pipelines import PARENT
from planner.ci.jobs import alone, jobs_of
from planner.ci.limits import GITLAB, fitted, refuse_too_many_needs
from planner.ci.pipeline import OWN, PLAN, PUBLISHED, SHOWN, Settings, refuse_older, refuse_unpublished
from planner.ci.yaml_text import yaml_text
from planner.errors import PlannerError

FILE = ".gitlab-ci.yml"
CHILD = f"{OWN}/build.yml"
AGAIN = '[ "${CI_JOB_RETRY_COUNT:-0}" = 0 ] || ' + refuse_older("$CI_COMMIT_BRANCH")
"""A job that is started again goes by the plan that it had. GitLab tells of that since 19.3."""
LOCAL = re.compile(r"[A-Za-z0-9._/@+-]+\.ya?ml", re.ASCII)
"""A path that GitLab includes as it is: it fills in variables and stars, and takes these endings alone."""
HEAD = """\
# Written by `{command}`; `{command} --check` says whether it is stale.
# {branch} builds what the registry lacks, in a child pipeline that plans in its turn; merge requests push nothing.
# A runner needs Python, pipx, git, Docker with buildx, and a BuildKit that it may use.
"""
Job = dict[str, Any]
MERGE_REQUEST = '$CI_PIPELINE_SOURCE == "merge_request_event"'
TURN = "PLANNER_TURN"
"""The variable by which this file knows that it is the child whose turn it is."""
CHILD_OF_ANY = '$CI_PIPELINE_SOURCE == "parent_pipeline"'
CHILDS = f"{CHILD_OF_ANY} && ${TURN}"
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
    parts: list[tuple[str, str, Job]] = [
        ("What rebuilds, as a plan that every other job applies.", "plan", _plan(settings, branch)),
        ("One pipeline of the branch at a time plans and builds: this file again.", "turn", _turn(settings, branch)),
        ("A job for each image that rebuilds; each waits for what it reads.", "build", _build(settings, branch)),
        ("A merge request builds in one job, and pushes nothing.", "merge-request", _merge_request(settings)),
        ("The plan as a note, where the masked variable PLANNER_COMMENT_TOKEN is set.", "comment", _comment(settings)),
    ]
    if settings.locked:
        parts.append(("Says each night whether an image from outside moved.", "lock", _lock(settings, branch)))
    # `workflow` would be that of every file which one pipeline includes, so that the last one's branch was all of them.
    written = [yaml_text({"stages": stages})]
    for why, name, job in parts:
        written.append(f"# {why}\n{yaml_text({settings.job(name): _with_variables(settings, job)})}")
    return "\n".join([HEAD.format(command=command, branch=settings.branch), *written])


def _with_variables(settings: Settings, job: Job) -> Job:
    """A job with the variables of all of them; a trigger hands them on. A runner gets large files by itself.

    At the top of the file they would be those of another family's jobs too, where one pipeline includes both files.
    """
    found = {**settings.environment, **({"GIT_SUBMODULE_STRATEGY": "recursive"} if settings.submodules else {})}
    return {**job, "variables": {**found, **own}} if (own := job.get("variables", {})) or found else job


def _login(settings: Settings) -> list[str]:
    """The project's own registry by its job token, any other by two masked, protected variables."""
    host = shlex.quote(settings.host)
    return [
        f'if [ "$CI_REGISTRY" = {host} ]; then REGISTRY_USER="$CI_REGISTRY_USER"; '
        'REGISTRY_TOKEN="$CI_REGISTRY_PASSWORD"; fi',
        f'printf %s "$REGISTRY_TOKEN" | docker login {host} --username "$REGISTRY_USER" --password-stdin',
    ]


def _baseline(settings: Settings) -> str:
    """What a plan compares with. A merge request needs no registry for that, and no login, which could push.

    A pipeline of merged results, or of a merge train, has the target's own changes too: it compares with the target.
    """
    lines = [
        'if [ -n "$CI_MERGE_REQUEST_DIFF_BASE_SHA" ]; then',
        '  set -- --since "${CI_MERGE_REQUEST_TARGET_BRANCH_SHA:-$CI_MERGE_REQUEST_DIFF_BASE_SHA}"',
        "else",
        f"  {_not_older(settings)}",
        *(f"  {line}" for line in _login(settings)),
        f"  set -- {' '.join(PUBLISHED)}",
        "fi",
    ]
    return "\n".join(lines)


def _not_older(settings: Settings) -> str:
    """Refuses a commit whose images are no longer the branch's: tags would name them until the next pipeline.

    GitLab does not tell that a pipeline was started again, and takes those that wait in no order. Commits that start no
    pipeline (`[skip ci]`) are no reason as long as they change no image.
    """
    fetch = 'git fetch --quiet origin "refs/heads/$CI_COMMIT_BRANCH"'
    same = settings.planner("plan", "--since", "FETCH_HEAD", "--exit-code")
    return refuse_older("$CI_COMMIT_BRANCH", f"{{ {fetch} && {same} > /dev/null; }}")


def _setup(settings: Settings) -> list[str]:
    """What a job that publishes runs first. The runner makes files of variables that others can read (`umask 0000`)."""
    key = '[ -z "$PLANNER_SIGNING_KEY_FILE" ] || chmod 600 "$PLANNER_SIGNING_KEY_FILE"'
    return [settings.install, *([key] if settings.signed else []), *_login(settings)]


def _plan(settings: Settings, branch: str) -> Job:
    setup = [word for line in (AGAIN, *_setup(settings)) for word in ("--setup", line)]
    by = [] if settings.by == "level" else ["--by", settings.by]
    by += ["--plan-job", settings.job("plan")] if settings.place else []
    matrix = settings.planner("matrix", "--plan", PLAN, "--format", "gitlab", *by, *settings.allowed, *setup)
    script = [
        settings.install,
        f"mkdir -p {OWN}",
        _baseline(settings),
        f'{settings.planner("plan")} "$@" --out {PLAN} --format markdown > {SHOWN}',
        f"{matrix} > {CHILD}",
    ]
    return {
        "stage": "plan",
        "rules": [{"if": MERGE_REQUEST}, {"if": f"{CHILDS} && {branch}"}],
        "interruptible": True,
        "variables": {"GIT_DEPTH": "0"},
        "script": script,
        "artifacts": {"paths": [PLAN, SHOWN, CHILD], "expire_in": "1 week"},
    }


def _turn(settings: Settings, branch: str) -> Job:
    """Raises PlannerError where GitLab could not start the file by its path."""
    file = settings.file or FILE
    if not LOCAL.fullmatch(file):
        raise PlannerError(f"-o {file!r}: GitLab starts this file by its path: letters, digits, . _ / @ + -, and .yml")
    return {
        "stage": "plan",
        "needs": [],
        "rules": [{"if": CHILD_OF_ANY, "when": "never"}, {"if": branch}],
        "resource_group": settings.named("images"),
        "variables": {TURN: "true"},
        "trigger": {"include": [{"local": f"/{file}"}], "strategy": "depend"},
    }


def _build(settings: Settings, branch: str) -> Job:
    return {
        "stage": "build",
        "needs": [settings.job("plan")],
        "rules": [{"if": f"{CHILDS} && {branch}"}],
        "variables": {PARENT: "$CI_PIPELINE_ID"},
        "trigger": {"include": [{"artifact": CHILD, "job": settings.job("plan")}], "strategy": "depend"},
    }


def _merge_request(settings: Settings) -> Job:
    build = settings.planner("build", "--plan", PLAN, "--keep-going")
    return {
        "stage": "build",
        "needs": [settings.job("plan")],
        "rules": [{"if": MERGE_REQUEST}],
        "interruptible": True,
        "script": [settings.install, build],
    }


def _comment(settings: Settings) -> Job:
    return {
        "stage": "check",
        "needs": [settings.job("plan")],
        "rules": [{"if": f"{MERGE_REQUEST} && $PLANNER_COMMENT_TOKEN"}],
        "interruptible": True,
        "variables": {"GIT_STRATEGY": "none"},
        "script": [COMMENT],
    }


def _lock(settings: Settings, branch: str) -> Job:
    return {
        "stage": "check",
        "needs": [],
        "rules": [{"if": f"{NIGHTLY} && {branch}"}],
        "script": [
            settings.install,
            *(_login(settings) if settings.private else []),
            settings.planner("lock", "--check"),
        ],
    }
