"""Decides whether a trusted run may build what a pull request asks for, and with what it may not be built.

The event is the one that the CI itself gave the trusted run; nothing that the request says of itself counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from planner.model.build import BuildRequest, UrlContext
from planner.model.image import Image
from planner.model.names import Reference
from planner.policy.identity import Identity
from planner.policy.levels import Actor, Event, Judged, Level, Origin, RefKind, Run, Runner, judge
from planner.policy.policy import Policy, plain_address
from planner.policy.scopes import PR

OPTIONS = frozenset({"no-cache", "no-cache-filter", "add-host"})
"""Options of buildx that an image of a pull request may have."""
NETWORKS = frozenset({"", "default", "none"})
ADDRESSES = ("docker-image://", "https://", "git://", "http://")
"""What the engine may fetch by itself."""
FRONTENDS = frozenset({"docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream"})
"""Repositories of the frontends that Docker publishes: a frontend is a program, which the builder pulls and runs."""
NEWEST = frozenset({"", "latest", "1", "1-labs", "labs", "master", "master-labs"})
"""Tags by which they name the newest one. An older one reads a Dockerfile in another way: before 1.4 what stands in a
here-document is an instruction, a FROM for example.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The part of a request that an approval is about."""

    number: int
    commit: str


def approval(policy: Policy, event: str, payload: Mapping[str, Any], asked: Asked) -> tuple[bool, str]:
    """Whether GitHub's own event approves this request, and why or why not.

    A label approves the commit that the pull request had when it was given, never a later one. The runs of pull
    requests from within the repository need none: only writers can start them, as the table of levels has it.
    """
    if policy.relay is None:
        return False, "the policy has no relay: section"
    if event == "pull_request_target":
        return _labelled(policy.relay.label, policy.identity, payload, asked)
    if event == "workflow_run":
        return _from_within(policy.identity, payload, asked)
    return False, f"event {event or 'unknown'} approves nothing"


def _labelled(label: str, identity: Identity, payload: Mapping[str, Any], asked: Asked) -> tuple[bool, str]:
    if _at(payload, "action") != "labeled" or _at(payload, "label", "name") != label or not label:
        return False, f"the event is not that somebody gave it the label {label}"
    who = _at(payload, "sender", "login")
    problems = [
        (_ours(identity, payload), "it is another repository's"),
        (_at(payload, "pull_request", "number") == asked.number, "it is about another pull request"),
        (_at(payload, "pull_request", "head", "sha") == asked.commit, "the label was given to another commit"),
        (_at(payload, "pull_request", "state") == "open", "the pull request is not open"),
        (identity.actor(str(who or "")) is Actor.WRITER, "whoever gave the label is not trusted"),
    ]
    why_not = next((what for holds, what in problems if not holds), "")
    return (False, why_not) if why_not else (True, f"{who} gave it the label {label}")


def _from_within(identity: Identity, payload: Mapping[str, Any], asked: Asked) -> tuple[bool, str]:
    who = _at(payload, "workflow_run", "actor", "login")
    again = _at(payload, "workflow_run", "triggering_actor", "login")
    home, head = _at(payload, "repository", "id"), _at(payload, "workflow_run", "head_repository", "id")
    problems = [
        (_ours(identity, payload), "it is another repository's"),
        (_at(payload, "workflow_run", "event") == "pull_request", "it is no run of a pull request"),
        (_at(payload, "workflow_run", "head_sha") == asked.commit, "the run was of another commit"),
        (isinstance(home, int) and home == head, "the commits are a fork's, which need the label"),
        (identity.actor(str(who or "")) is Actor.WRITER, "whoever caused the run is not trusted"),
        (identity.actor(str(again or "")) is Actor.WRITER, "whoever started the run is not trusted"),
    ]
    why_not = next((what for holds, what in problems if not holds), "")
    return (False, why_not) if why_not else (True, f"a pull request of {who}'s from within the repository")


def _ours(identity: Identity, payload: Mapping[str, Any]) -> bool:
    repository = (_at(payload, "repository", *path) for path in (("full_name",), ("id",), ("owner", "id")))
    return identity.origin("github", *(str(one or "") for one in repository)) is Origin.SAME


def _at(document: object, *path: str) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def served(policy: Policy, number: int) -> tuple[Policy, Judged]:
    """The policy and the level under which the relay builds: the pull request's own, whose scope it writes."""
    rule = policy.scopes[PR]
    writing = replace(rule, write=(Level.PR,), read=tuple(dict.fromkeys([*rule.read, Level.PR])))
    run = Run(
        event=Event.PULL_REQUEST,
        ref=RefKind.PULL,
        origin=Origin.SAME,
        actor=Actor.WRITER,
        runner=Runner.TRUSTED,
        number=number,
    )
    return replace(policy, scopes={**policy.scopes, PR: writing}), judge(run)


def confined(request: BuildRequest, own: str) -> BuildRequest:
    """The build with no name outside of its scope. Raises ValueError for one that asks for what it may not have.

    `own` is HOST/PATH of the pull request's images.
    """
    if wrong := next(_wishes(request, own), ""):
        raise ValueError(wrong)
    return replace(request, tags=tuple(tag for tag in request.tags if tag.startswith(f"{own}/")))


def wishes(declared: Image | BuildRequest) -> Iterator[str]:
    """What an image is declared with that a pull request's build does not get."""
    if declared.secrets:
        yield "asks for secrets, of which a pull request's build gets none"
    if declared.ssh:
        yield "asks for ssh, which a pull request's build does not get"
    if declared.network not in NETWORKS:
        yield f"asks for network {declared.network}"
    for name, _ in declared.options:
        if name not in OPTIONS:
            yield f"asks for option {name}"


def _wishes(request: BuildRequest, own: str) -> Iterator[str]:
    yield from wishes(request)
    for _, context in request.contexts:
        if isinstance(context, UrlContext) and not context.url.startswith(ADDRESSES):
            yield "reads a context that is no image, web or git address"
    if not request.repository.startswith(f"{own}/"):
        yield f"would be pushed elsewhere than to {own}"


def is_dockers_frontend(frontend: str) -> bool:
    """Whether a frontend is the engine's own ("") or one of those that Docker publishes."""
    if not frontend:
        return True
    try:
        return Reference.parse(frontend.split()[0]).repository in FRONTENDS
    except (IndexError, ValueError):
        return False


def is_newest_frontend(frontend: str) -> bool:
    """Whether one of Docker's frontends is meant by a name that always is the newest one's."""
    reference = Reference.parse(frontend.split()[0])
    return not reference.digest and (reference.tag or "") in NEWEST


def foreign(policy: Policy, readable: tuple[str, ...], reference: str) -> bool:
    """Whether a reference is in a registry of the policy, but not where a pull request reads (HOST/PATH)."""
    host, _, path = reference.partition("/")
    if plain_address(host) not in {plain_address(one.address) for one in policy.registries.values()}:
        return False
    asked = f"{plain_address(host)}/{path}"
    places = (place.partition("/") for place in readable)
    return not any(asked.startswith(f"{plain_address(one)}/{inner}/") for one, _, inner in places)
