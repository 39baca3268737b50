"""The environments and claims of CI runs, by the names that tests give them: main, pr/17, release, fork/17."""

from __future__ import annotations

import json
import os
from pathlib import Path

OURS = {
    "GITHUB_REPOSITORY": "acme/images",
    "GITHUB_REPOSITORY_ID": "4711",
    "GITHUB_REPOSITORY_OWNER_ID": "42",
    "GITHUB_ACTOR": "ann",
    "RUNNER_ENVIRONMENT": "github-hosted",
}


def environment_of(run: str, folder: Path) -> dict[str, str]:
    """GitHub's variables of a run; the event of a pull request is left as a file in `folder`."""
    kind, _, number = run.partition("/")
    if number:
        event = folder / f"event-{kind}-{number}.json"
        event.write_text(json.dumps({"pull_request": {"head": {"repo": {"id": 4711 if kind == "pr" else 9}}}}))
        return {
            **OURS,
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_REF": f"refs/pull/{number}/merge",
            "GITHUB_REF_PROTECTED": "false",
            "GITHUB_EVENT_PATH": os.fspath(event),
        }
    ref = "refs/tags/v1" if run == "release" else "refs/heads/main"
    return {
        **OURS,
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": ref,
        "GITHUB_REF_PROTECTED": "true",
        "GITHUB_EVENT_PATH": "",
    }


def claims_of(run: str) -> dict[str, str]:
    """The claims of a run's identity token, as GitHub makes them."""
    kind, _, number = run.partition("/")
    ref = f"refs/pull/{number}/merge" if number else "refs/tags/v1" if kind == "release" else "refs/heads/main"
    return {
        "ref": ref,
        "ref_protected": "false" if number else "true",
        "event_name": "pull_request" if number else "push",
        "repository": "acme/images",
        "repository_id": "4711",
        "repository_owner_id": "42",
        "actor": "ann",
        "runner_environment": "github-hosted",
    }
