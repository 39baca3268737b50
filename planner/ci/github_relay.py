"""Writes the two workflows of a relay on GitHub: one that asks, without any credential, and one that builds.

The second one runs on the default branch's own files alone. Of the pull request it takes a document, which the planner
reads strictly, and git objects, which BuildKit builds; who approved it, it is told by GitHub's event.
"""

from __future__ import annotations

from planner.ci.actions import pinned
from planner.ci.github_login import GHCR, docker_login
from planner.ci.github_steps import code
from planner.ci.pipeline import Settings, refuse_unsafe_settings
from planner.ci.yaml_text import yaml_text
from planner.errors import PlannerError

REQUEST_FILE = ".github/workflows/images-request.yml"
RELAY_FILE = ".github/workflows/images-relay.yml"
ARTIFACT = "relay-request"
ENVIRONMENT = "images-relay"
MAX_ZIP = 1 << 20
REQUEST_HEAD = """\
# Written by `{command}`; `{command} --check` says whether it is stale.
# A pull request asks for its images. It has no credential, and what it asks is believed in nothing.
"""
RELAY_HEAD = """\
# Written by `{command}`; `{command} --check` says whether it is stale.
# Builds what pull requests ask for: those from within the repository at once, those of forks after a label.
# The environment {environment} holds RELAY_REGISTRY_USER, RELAY_REGISTRY_TOKEN (writes pull requests' paths alone)
# and RELAY_SIGNING_KEY; let it be used from the default branch only.
"""
FIND = f"""\
if [ -z "$RUN" ]; then
  runs="repos/$REPOSITORY/actions/workflows/images-request.yml/runs?head_sha=$HEAD&status=success&per_page=1"
  RUN="$(gh api "$runs" --jq '.workflow_runs[0].id // empty')"
fi
named='[.artifacts[] | select(.size_in_bytes < {MAX_ZIP})][0].id // empty'
id="$(gh api "repos/$REPOSITORY/actions/runs/$RUN/artifacts?name={ARTIFACT}" --jq "$named")"
gh api "repos/$REPOSITORY/actions/artifacts/$id/zip" > request.zip
unzip -p request.zip request.json | head -c {MAX_ZIP + 1} > request.json
"""
FROM_WITHIN = (
    "github.event_name == 'workflow_run' && github.event.workflow_run.event == 'pull_request' && "
    "github.event.workflow_run.conclusion == 'success' && "
    "github.event.workflow_run.head_repository.full_name == github.repository"
)


def request_workflow(settings: Settings, command: str) -> str:
    """The file of the workflow that asks. Raises PlannerError for what cannot be written safely."""
    refuse_unsafe_settings(settings)
    at_head = {"ref": "${{ github.event.pull_request.head.sha }}", "persist-credentials": False}
    group = settings.named("images-request") + "-${{ github.event.pull_request.number }}"
    keep = {"name": ARTIFACT, "path": "request.json", "retention-days": 7}
    document = {
        "name": settings.named("images-request"),
        "on": {"pull_request": {"types": ["opened", "synchronize", "reopened"]}},
        "permissions": {},
        **settings.variables("env"),
        "concurrency": {"group": group, "cancel-in-progress": True},
        "jobs": {
            "ask": {
                "runs-on": "ubuntu-latest",
                "timeout-minutes": 20,
                "permissions": {"contents": "read"},
                "steps": [
                    {"uses": "actions/checkout", "with": at_head},
                    {"name": "Install the planner", "run": code(settings.install)},
                    {"name": "Ask", "run": code(settings.planner("relay", "ask", "--out", "request.json"))},
                    {"uses": "actions/upload-artifact", "with": keep},
                ],
            }
        },
    }
    return pinned(REQUEST_HEAD.format(command=command) + yaml_text(document))


def relay_workflow(settings: Settings, command: str) -> str:
    """The file of the workflow that builds. Raises PlannerError, also for a registry that cannot keep paths apart."""
    refuse_unsafe_settings(settings)
    if settings.host == GHCR:
        raise PlannerError(f"{GHCR}: a job that writes pull requests' packages could write main's too\n  use another")
    labelled = f"github.event_name == 'pull_request_target' && github.event.label.name == '{settings.label}'"
    group = settings.named("images-relay") + "-${{ github.event.pull_request.number || github.run_id }}"
    document = {
        "name": settings.named("images-relay"),
        "on": {
            "workflow_run": {"workflows": [settings.named("images-request")], "types": ["completed"]},
            "pull_request_target": {"types": ["labeled"]},
        },
        "permissions": {},
        **settings.variables("env"),
        "concurrency": {"group": group},
        "jobs": {
            "relay": {
                "if": f"({FROM_WITHIN}) || ({labelled})",
                "runs-on": "ubuntu-latest",
                "timeout-minutes": 350,
                "environment": ENVIRONMENT,
                "permissions": {"contents": "read", "actions": "read"},
                "steps": _served(settings),
            }
        },
    }
    return pinned(RELAY_HEAD.format(command=command, environment=ENVIRONMENT) + yaml_text(document))


def _served(settings: Settings) -> list[dict[str, object]]:
    found = {
        "GH_TOKEN": "${{ github.token }}",
        "REPOSITORY": "${{ github.repository }}",
        "RUN": "${{ github.event.workflow_run.id }}",
        "HEAD": "${{ github.event.pull_request.head.sha }}",
    }
    serve = settings.planner("relay", "serve", "request.json")
    user, token = ("${{ secrets.RELAY_REGISTRY_" + name + " }}" for name in ("USER", "TOKEN"))
    return [
        # The default branch, whatever the event: the policy and the planner's own files are its. The token that stays
        # reads contents alone; a private repository's pull requests cannot be fetched without it.
        {"uses": "actions/checkout", "with": {"ref": "${{ github.event.repository.default_branch }}"}},
        {"name": "Install the planner", "run": code(settings.install)},
        {"uses": "docker/setup-buildx-action"},
        *([docker_login(settings.host, user, token)] if settings.host else []),
        {"name": "Find the request", "run": FIND, "env": found},
        {"name": "Build", "run": code(serve), "env": {"PLANNER_SIGNING_KEY": "${{ secrets.RELAY_SIGNING_KEY }}"}},
    ]
