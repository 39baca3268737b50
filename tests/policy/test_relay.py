"""What approves a request, and what an image of a pull request is not built with."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from planner.errors import DefinitionError
from planner.model.build import BuildRequest, FilesContext, ImageContext, Store, Stored, UrlContext
from planner.model.image import ImageName
from planner.policy.check import check
from planner.policy.levels import Level
from planner.policy.policy import Policy
from planner.policy.policy_file import read
from planner.policy.relay import Asked, approval, confined, foreign, is_dockers_frontend, served
from tests.policy.policies import SOUND
from tests.trust.sealing import PR, public_text, section

COMMIT = "1" * 40
ASKED = Asked(number=17, commit=COMMIT)
HOME: dict[str, Any] = {"full_name": "acme/images", "id": 4711, "owner": {"id": 42}}
LABELLED: dict[str, Any] = {
    "action": "labeled",
    "label": {"name": "build-images"},
    "repository": HOME,
    "sender": {"login": "ann"},
    "pull_request": {"number": 17, "state": "open", "head": {"sha": COMMIT, "repo": {"id": 9}}},
}
RUN: dict[str, Any] = {
    "action": "completed",
    "repository": HOME,
    "workflow_run": {
        "event": "pull_request",
        "head_sha": COMMIT,
        "head_repository": {"id": 4711},
        "actor": {"login": "ann"},
        "triggering_actor": {"login": "ann"},
    },
}
RELAY = section().replace("signing:", "signing:\n  require: [main, release, pr]") + "relay: {images: 3}\n"


def policy(text: str = RELAY) -> Policy:
    return read((SOUND + text).encode(), "policy.yaml")


def changed(payload: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    document = copy.deepcopy(payload)
    at = document
    *folders, last = path.split(".")
    for name in folders:
        at = at[name]
    at[last] = value
    return document


def test_a_label_and_a_run_from_within_approve() -> None:
    assert approval(policy(), "pull_request_target", LABELLED, ASKED) == (True, "ann gave it the label build-images")
    assert approval(policy(), "workflow_run", RUN, ASKED)[0]


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("action", "synchronize", "not that somebody gave it the label"),
        ("action", "unlabeled", "not that somebody gave it the label"),
        ("label.name", "bug", "not that somebody gave it the label"),
        ("pull_request.number", 18, "another pull request"),
        ("pull_request.head.sha", "2" * 40, "the label was given to another commit"),
        ("pull_request.state", "closed", "not open"),
        ("sender.login", "dependabot[bot]", "not trusted"),
        ("sender", None, "not trusted"),
        ("repository.id", 4712, "another repository's"),
        ("repository.owner.id", 43, "another repository's"),
        ("repository", [], "another repository's"),
    ],
)
def test_a_label_that_says_less_does_not(path: str, value: object, why: str) -> None:
    approves, told = approval(policy(), "pull_request_target", changed(LABELLED, path, value), ASKED)
    assert not approves
    assert why in told


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("workflow_run.event", "push", "no run of a pull request"),
        ("workflow_run.head_sha", "2" * 40, "another commit"),
        ("workflow_run.head_repository.id", 9, "a fork's"),
        ("workflow_run.head_repository", None, "a fork's"),
        ("workflow_run.actor.login", "renovate[bot]", "not trusted"),
        ("workflow_run.triggering_actor.login", "dependabot[bot]", "not trusted"),
        ("repository.id", 4712, "another repository's"),
    ],
)
def test_a_run_that_says_less_does_not(path: str, value: object, why: str) -> None:
    approves, told = approval(policy(), "workflow_run", changed(RUN, path, value), ASKED)
    assert not approves
    assert why in told


@pytest.mark.parametrize("event", ["", "pull_request", "issue_comment", "push", "workflow_dispatch"])
def test_no_other_event_approves(event: str) -> None:
    assert not approval(policy(), event, {**LABELLED, **RUN}, ASKED)[0]


def test_without_a_section_nothing_approves() -> None:
    assert not approval(policy(section()), "workflow_run", RUN, ASKED)[0]


def test_a_relay_builds_in_the_pull_requests_own_name() -> None:
    theirs, judged = served(policy(), 17)
    assert (judged.level, judged.run.number) == (Level.PR, 17)
    assert theirs.scopes["pr"].write == (Level.PR,)
    assert theirs.scopes["main"] == policy().scopes["main"]


def test_the_policy_still_holds_with_a_relay_and_not_without_signatures() -> None:
    closed = SOUND.replace("write: [pr], read: [pr]", "write: [], read: [pr]")
    assert closed != SOUND
    proof = check(read((closed + RELAY).encode(), "policy.yaml"), "sha256")
    assert proof.holds, proof
    for text in ("relay: {}\n", section() + "relay: {}\n"):
        assert "relay: whoever pulls" in check(policy(text), "sha256").refusals[0]
    shared = policy(RELAY.replace("  pr: ", "  pr: ")).scopes["main"].images
    mixed = SOUND.replace('images: "pr/{number}"', f'images: "{shared}/{{number}}"').replace("write: [pr]", "write: []")
    assert not check(read((mixed + RELAY).encode(), "policy.yaml"), "sha256").holds, "what it writes is in the model"


def test_one_key_does_not_sign_for_both_sides() -> None:
    text = RELAY.replace("scopes: [pr]", "scopes: [pr, main]")
    assert "signs for main and for pr" in check(policy(text), "sha256").refusals[0]
    twice = RELAY.replace("  keys:\n", f'  keys:\n    copy: {{public: "{public_text(PR)}", scopes: [main]}}\n')
    assert any("signs for main and for pr" in one for one in check(policy(twice), "sha256").refusals)
    lacking = RELAY.replace("scopes: [main, release]", "scopes: [main]")
    assert "records of scope release must be signed" in check(policy(lacking), "sha256").refusals[0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("relay: {label: 'x$(id)'}\n", "relay.label"),
        ("relay: {images: 0}\n", "relay.images"),
        ("relay: {minutes: 99999}\n", "relay.minutes"),
        ("relay: {lable: x}\n", "relay"),
        (section().replace("scopes: [pr]", "scopes: [prs]"), "signing.keys.pulls.scopes"),
        (section().replace("scopes: [pr]", "scopes: []"), "signing.keys.pulls"),
        (section("tomorrow"), "signing.keys.main.not_after"),
        (section().replace(public_text(PR), "AAAA"), "signing.keys.pulls.public"),
        ("signing: {require: [mian]}\n", "signing.require"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, what: str) -> None:
    with pytest.raises(DefinitionError) as told:
        policy(text)
    assert what in str(told.value)


OWN = "r.example/pr/17"
BUILD = BuildRequest(
    image=ImageName("app"),
    platforms=("linux/amd64",),
    key="s2-" + "a" * 64,
    dockerfile=b"",
    dockerfile_path="Dockerfile",
    context=FilesContext(),
    contexts=(
        ("base", ImageContext(image=Stored(store=Store.REGISTRY, digest="sha256:" + "1" * 64, repository="r/x"))),
        ("ubuntu", UrlContext(url="docker-image://ubuntu:22.04")),
    ),
    repository=f"{OWN}/app",
    tags=(f"{OWN}/app:latest", "r.example/images/app:latest", "r.example/pr/170/app:x"),
)


def test_a_build_names_nothing_outside_of_its_scope() -> None:
    assert confined(BUILD, OWN).tags == (f"{OWN}/app:latest",)
    assert confined(BUILD, OWN).repositories == (f"{OWN}/app",)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"secrets": ("id=token,env=TOKEN",)}, "secrets"),
        ({"ssh": ("default",)}, "ssh"),
        ({"network": "host"}, "network host"),
        ({"options": (("allow", "security.insecure"),)}, "option allow"),
        ({"contexts": (("x", UrlContext(url="oci-layout:///var/lib/x")),)}, "no image, web or git address"),
        ({"contexts": (("x", UrlContext(url="/etc")),)}, "no image, web or git address"),
        ({"repository": "r.example/images/app"}, "pushed elsewhere"),
        ({"repository": "r.example/pr/170/app"}, "pushed elsewhere"),
        ({"repository": ""}, "pushed elsewhere"),
    ],
)
def test_a_build_that_asks_for_more_is_refused(wish: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        confined(replace(BUILD, **wish), OWN)


def test_images_of_other_pull_requests_are_foreign() -> None:
    host = "registry.acme.example"
    readable = (f"{host}/pr/17", f"{host}/images")
    assert foreign(policy(), readable, f"{host}/pr/18/app:latest")
    assert foreign(policy(), readable, f"{host}/release/app@sha256:{'1' * 64}")
    assert not foreign(policy(), readable, f"{host}/images/app:latest")
    assert not foreign(policy(), readable, "docker.io/library/ubuntu:22.04")


@pytest.mark.parametrize("host", ["registry.acme.example:443", "Registry.ACME.example", "registry.acme.example:0443"])
def test_another_way_to_write_a_host_makes_no_other_registry(host: str) -> None:
    readable = ("registry.acme.example/pr/17", "registry.acme.example/images")
    assert foreign(policy(), readable, f"{host}/pr/18/app:latest")
    assert not foreign(policy(), readable, f"{host}/pr/17/app:latest")
    text = (SOUND + RELAY).replace("registry.acme.example", host)
    other = read(text.encode(), "policy.yaml")
    assert foreign(other, (f"{host}/pr/17",), "registry.acme.example/pr/18/app:latest")
    assert not foreign(policy(), readable, "registry.acme.example:5000/pr/18/app:latest"), "another one"


def test_docker_hub_is_one_registry_by_all_its_names() -> None:
    registries = {"cache": replace(policy().registries["cache"], address="docker.io")}
    hub = replace(policy(), registries=registries)
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert foreign(hub, ("docker.io/acme/images",), f"{host}/acme/release:latest")
        assert not foreign(hub, ("docker.io/acme/images",), f"{host}/acme/images/app:latest")


@pytest.mark.parametrize(
    ("frontend", "is_dockers"),
    [
        ("", True),
        ("docker/dockerfile", True),
        ("docker/dockerfile:1.7-labs", True),
        (f"docker.io/docker/dockerfile@sha256:{'1' * 64}", True),
        ("docker/dockerfile-upstream:master", True),
        ("docker/dockerfile-evil:1", False),
        ("dockerfile:1", False),
        ("registry.acme.example/docker/dockerfile:1", False),
        ("registry.acme.example/pr/18/evil:1 docker/dockerfile:1", False),
        ("no reference/", False),
    ],
)
def test_frontends_of_pull_requests_are_dockers_own(frontend: str, is_dockers: bool) -> None:
    assert is_dockers_frontend(frontend) is is_dockers
