"""Turns the claims of a CI's identity token, whose signature was checked, into what is known of a run.

Only claims that the provider sets itself are looked at. `sub` is not: it names no pull request, and repositories may
choose its form (docs.github.com, "OpenID Connect reference"; docs.gitlab.com, "OpenID Connect authentication").
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.policy.environments import GITHUB_EVENTS, GITLAB_EVENTS
from planner.policy.identity import Identity
from planner.policy.levels import Event, Origin, Run

Claims = Mapping[str, object]


def run_of(provider: str, claims: Claims, identity: Identity) -> Run:
    """The run that a token of `github` or `gitlab` was given to; of another provider nothing is known."""
    if provider == "github":
        return _github(claims, identity)
    return _gitlab(claims, identity) if provider == "gitlab" else Run()


def _github(claims: Claims, identity: Identity) -> Run:
    """A pull request from a fork gets no token at all, so one that has a token is from within the repository."""
    ref, number = identity.ref(_text(claims, "ref"), _text(claims, "ref_protected"))
    names = ("repository", "repository_id", "repository_owner_id")
    return Run(
        event=GITHUB_EVENTS.get(_text(claims, "event_name"), Event.UNKNOWN),
        ref=ref,
        origin=identity.origin("github", *(_text(claims, name) for name in names)),
        actor=identity.actor(_text(claims, "actor")),
        runner=identity.runner(_text(claims, "runner_environment")),
        number=number,
    )


def _gitlab(claims: Claims, identity: Identity) -> Run:
    """The number of a merge request stands in `ref_path` alone.

    A maintainer may run a fork's merge request in the project itself; its token cannot be told from one of a branch of
    the project, so it gets the merge request's own scope, as any merge request does, and no more.
    """
    event = GITLAB_EVENTS.get(_text(claims, "pipeline_source"), Event.UNKNOWN)
    protected = _text(claims, "ref_protected") if event is not Event.PULL_REQUEST else ""
    ref, number = identity.ref(_text(claims, "ref_path"), protected)
    names = ("project_path", "project_id", "namespace_id")
    origin = identity.origin("gitlab", *(_text(claims, name) for name in names))
    return Run(
        event=event,
        ref=ref,
        origin=origin if origin is Origin.SAME else Origin.FOREIGN,
        actor=identity.actor(_text(claims, "user_login")),
        runner=identity.runner(_text(claims, "runner_environment")),
        number=number,
    )


def _text(claims: Claims, name: str) -> str:
    """A claim as text; "" where it is none. GitLab writes numbers and truth as text, some clients do not."""
    value = claims.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""
