"""Steps that several jobs of a workflow for GitHub have: a clone, the planner, a BuildKit, a login, and the plan."""

from __future__ import annotations

from planner.ci.github_login import login
from planner.ci.names import job_id
from planner.ci.pipeline import OWN, Settings

Steps = list[dict[str, object]]
WHOLE_FOR_QUEUE = "${{ github.event_name == 'merge_group' && '0' || '2' }}"
"""A queue that rebases puts any number of commits between its base and the one that it asks about."""


def checkout(settings: Settings, depth: object = 2) -> dict[str, object]:
    """The commit and its first parent, which a pull request is planned against."""
    given: dict[str, object] = {"persist-credentials": False, "fetch-depth": depth}
    if settings.submodules:
        given["submodules"] = "recursive"
    if settings.lfs:
        given["lfs"] = True
    return {"uses": "actions/checkout", "with": given}


def artifact(settings: Settings) -> str:
    """The name of the plan, as no other family's workflow has it that the same one calls; it takes no slash."""
    return job_id("plan", settings.place) if settings.place else "plan"


def fetch(settings: Settings) -> dict[str, object]:
    """Gets the plan that the first job uploaded."""
    return {"uses": "actions/download-artifact", "with": {"name": artifact(settings), "path": OWN}}


def installed(settings: Settings) -> Steps:
    """Gets the planner."""
    return [{"name": "Install the planner", "run": code(settings.install)}]


def prepared(settings: Settings, *, write: bool) -> Steps:
    """All that stands before a build."""
    emulation: Steps = [{"uses": "docker/setup-qemu-action"}] if settings.emulated else []
    return [
        checkout(settings),
        *installed(settings),
        *emulation,
        {"uses": "docker/setup-buildx-action"},
        *login(settings, write=write),
        fetch(settings),
    ]


def code(text: str) -> str:
    """A command of ours in which no expression is left for GitHub to fill in."""
    return text.replace("${{", "${{ '${{' }}")
