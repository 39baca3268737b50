"""Turns the documented environment of a CI provider into what is known of a run. What is missing is unknown.

This is what a run says of itself: it decides what the planner does, and protects from mistakes. What a registry
accepts is decided by `planner.policy.claims`, from a signed token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.policy.identity import Identity
from planner.policy.levels import Event, Origin, Run

Environment = Mapping[str, str]

GITHUB_EVENTS: Mapping[str, Event] = {
    "push": Event.PUSH,
    "schedule": Event.SCHEDULE,
    "workflow_dispatch": Event.DISPATCH,
    "release": Event.RELEASE,
    "merge_group": Event.MERGE_QUEUE,
    "pull_request": Event.PULL_REQUEST,
    "pull_request_target": Event.PULL_REQUEST_TARGET,
    "issue_comment": Event.COMMENT,
    "workflow_run": Event.OTHER_RUN,
}
"""`GITHUB_EVENT_NAME` (docs.github.com, "Events that trigger workflows"); every other one is unknown."""
GITLAB_EVENTS: Mapping[str, Event] = {
    "push": Event.PUSH,
    "schedule": Event.SCHEDULE,
    "web": Event.DISPATCH,
    "merge_request_event": Event.PULL_REQUEST,
    "parent_pipeline": Event.DISPATCH,
    "pipeline": Event.OTHER_RUN,
}
"""`CI_PIPELINE_SOURCE` (docs.gitlab.com, "Predefined CI/CD variables").

A child pipeline has the project, the ref and the commit of its parent ("Downstream pipelines"), and whoever may not
push or merge to a protected branch may start no pipeline of it, by any way ("Protected branches"): there it is worth as
much as a pipeline that is started by hand. A merge request's child is none of a protected branch.
"""
BUILDKITE_EVENTS: Mapping[str, Event] = {
    "webhook": Event.PUSH,
    "schedule": Event.SCHEDULE,
    "ui": Event.DISPATCH,
    "trigger_job": Event.OTHER_RUN,
}
"""`BUILDKITE_SOURCE` (buildkite.com/docs, "Environment variables")."""
SILENT = ("TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID")
"""What marks a run of a CI that need not set `CI`: Azure Pipelines, Jenkins, TeamCity, AWS CodeBuild (their lists of
predefined variables)."""
_REPOSITORY = re.compile(r"(?:[a-z+]+://)?(?:[^@/]+@)?[^:/]+(?::\d+)?[:/]+(.+?)(?:\.git)?/?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A provider's name, and what it says of the run."""

    provider: str
    run: Run


def seen(environment: Environment, payload: Mapping[str, Any], identity: Identity) -> Seen:
    """The run that this environment belongs to. `payload` is GitHub's event as a document, {} where there is none."""
    if environment.get("GITHUB_ACTIONS") == "true":
        return Seen(provider="GitHub Actions", run=_github(environment, payload, identity))
    if environment.get("GITLAB_CI") == "true":
        return Seen(provider="GitLab CI", run=_gitlab(environment, identity))
    if environment.get("BUILDKITE") == "true":
        return Seen(provider="Buildkite", run=_buildkite(environment, identity))
    if environment.get("CI", "false").lower() in ("", "0", "false") and not any(map(environment.get, SILENT)):
        return Seen(provider="local", run=Run(event=Event.LOCAL))
    return Seen(provider="unknown CI", run=Run())


def _github(environment: Environment, payload: Mapping[str, Any], identity: Identity) -> Run:
    """docs.github.com, "Variables reference"; whose commits a pull request has stands in the payload alone."""
    get = environment.get
    event = GITHUB_EVENTS.get(get("GITHUB_EVENT_NAME", ""), Event.UNKNOWN)
    ref, number = identity.ref(get("GITHUB_REF", ""), get("GITHUB_REF_PROTECTED", ""))
    ours = (get("GITHUB_REPOSITORY", ""), get("GITHUB_REPOSITORY_ID", ""), get("GITHUB_REPOSITORY_OWNER_ID", ""))
    origin = identity.origin("github", *ours)
    if event in (Event.PULL_REQUEST, Event.PULL_REQUEST_TARGET) and origin is Origin.SAME:
        origin = _head(payload, ours[1])
    return Run(
        event=event,
        ref=ref,
        origin=origin,
        actor=identity.actor(get("GITHUB_ACTOR", "")),
        runner=identity.runner(get("RUNNER_ENVIRONMENT", "")),
        number=number,
    )


def _head(payload: Mapping[str, Any], repository_id: str) -> Origin:
    """Whether a pull request's commits are from within the repository; unknown where the payload does not tell."""
    at: object = payload
    for name in ("pull_request", "head", "repo", "id"):
        at = at.get(name) if isinstance(at, Mapping) else None
    if not isinstance(at, int) or not repository_id:
        return Origin.UNKNOWN
    return Origin.SAME if str(at) == repository_id else Origin.FORK


def _gitlab(environment: Environment, identity: Identity) -> Run:
    get = environment.get
    event = GITLAB_EVENTS.get(get("CI_PIPELINE_SOURCE", ""), Event.UNKNOWN)
    branch, tag = get("CI_COMMIT_BRANCH", ""), get("CI_COMMIT_TAG", "")
    full = get("CI_MERGE_REQUEST_REF_PATH", "") if event is Event.PULL_REQUEST else ""
    full = full or (f"refs/tags/{tag}" if tag else f"refs/heads/{branch}" if branch else "")
    ref, number = identity.ref(full, get("CI_COMMIT_REF_PROTECTED", "") if event is not Event.PULL_REQUEST else "")
    project = get("CI_PROJECT_ID", "")
    origin = identity.origin("gitlab", get("CI_PROJECT_PATH", ""), project, get("CI_PROJECT_NAMESPACE_ID", ""))
    if event is Event.PULL_REQUEST and origin is Origin.SAME:
        source = get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "")
        origin = Origin.SAME if source == project and source else Origin.FORK if source else Origin.UNKNOWN
    tags = re.findall(r"[\w.:/-]+", get("CI_RUNNER_TAGS", ""))
    return Run(
        event=event,
        ref=ref,
        origin=origin,
        actor=identity.actor(get("GITLAB_USER_LOGIN", "")),
        runner=identity.runner(*tags),
        number=number,
    )


def _buildkite(environment: Environment, identity: Identity) -> Run:
    """A pull request is built from a webhook as a push is; its repository tells whether it is a fork's."""
    get = environment.get
    pull, branch, tag = get("BUILDKITE_PULL_REQUEST", "false"), get("BUILDKITE_BRANCH", ""), get("BUILDKITE_TAG", "")
    event = BUILDKITE_EVENTS.get(get("BUILDKITE_SOURCE", ""), Event.UNKNOWN)
    name = _name(get("BUILDKITE_REPO", ""))
    origin = identity.origin("buildkite", name, "", "")
    full = f"refs/tags/{tag}" if tag else f"refs/heads/{branch}"
    if pull != "false":
        event = Event.PULL_REQUEST if event is Event.PUSH else Event.UNKNOWN
        full = f"refs/pull/{pull}/head"
        source = _name(get("BUILDKITE_PULL_REQUEST_REPO", ""))
        if origin is Origin.SAME:
            origin = Origin.SAME if source == name else Origin.FORK if source else Origin.UNKNOWN
    ref, number = identity.ref(full, "")
    return Run(
        event=event,
        ref=ref,
        origin=origin,
        actor=identity.actor(get("BUILDKITE_BUILD_CREATOR", "")),
        runner=identity.runner(get("BUILDKITE_AGENT_META_DATA_QUEUE", "")),
        number=number,
    )


def _name(address: str) -> str:
    """`acme/images` of a clone's address."""
    found = _REPOSITORY.fullmatch(address)
    return found[1] if found else ""
