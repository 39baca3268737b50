"""Who a run is: the table of levels, and what each provider's environment and token say."""

from __future__ import annotations

from typing import Any

import pytest

from planner.policy.check import all_runs
from planner.policy.claims import run_of
from planner.policy.environments import seen
from planner.policy.levels import Actor, Event, Level, Origin, RefKind, Run, Runner, judge, level_of
from planner.policy.scopes import Scope, github_write_of, reads_of, write_of
from tests.policy.policies import sound

IDENTITY = sound().identity
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_PROTECTED": "true",
    "GITHUB_REPOSITORY": "acme/images",
    "GITHUB_REPOSITORY_ID": "4711",
    "GITHUB_REPOSITORY_OWNER_ID": "42",
    "GITHUB_ACTOR": "ann",
    "RUNNER_ENVIRONMENT": "github-hosted",
}
PULL = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/17/merge", "GITHUB_REF_PROTECTED": "false"}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_SOURCE": "push",
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_REF_PROTECTED": "true",
    "CI_PROJECT_PATH": "acme/images",
    "CI_PROJECT_ID": "17",
    "CI_PROJECT_NAMESPACE_ID": "5",
    "GITLAB_USER_LOGIN": "ann",
    "CI_RUNNER_TAGS": '["docker", "trusted-pool"]',
}
MERGE = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_REF_PATH": "refs/merge-requests/3/head",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "17",
    "CI_COMMIT_BRANCH": "",
    "CI_COMMIT_REF_PROTECTED": "false",
}
BUILDKITE = {
    "BUILDKITE": "true",
    "BUILDKITE_SOURCE": "webhook",
    "BUILDKITE_BRANCH": "main",
    "BUILDKITE_PULL_REQUEST": "false",
    "BUILDKITE_REPO": "git@github.com:acme/images.git",
    "BUILDKITE_BUILD_CREATOR": "Ann",
    "BUILDKITE_AGENT_META_DATA_QUEUE": "trusted-pool",
}


def payload(repository: int) -> dict[str, Any]:
    return {"pull_request": {"head": {"repo": {"id": repository}}}}


@pytest.mark.parametrize(
    ("environment", "event", "level"),
    [
        (GITHUB, {}, "trusted"),
        ({**GITHUB, "GITHUB_EVENT_NAME": "schedule"}, {}, "trusted"),
        ({**GITHUB, "GITHUB_REF": "refs/tags/v1", "GITHUB_EVENT_NAME": "release"}, {}, "release"),
        ({**GITHUB, "GITHUB_REF": "refs/tags/other"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_REF": "refs/heads/topic"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_REF_PROTECTED": "false"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_REPOSITORY_ID": "4712"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_REPOSITORY_OWNER_ID": "43"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_ACTOR": "dependabot[bot]"}, {}, "untrusted"),
        ({**GITHUB, "RUNNER_ENVIRONMENT": "self-hosted"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_EVENT_NAME": "pull_request_target"}, payload(4711), "untrusted"),
        ({**GITHUB, "GITHUB_EVENT_NAME": "issue_comment"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_EVENT_NAME": "workflow_run"}, {}, "untrusted"),
        ({**GITHUB, "GITHUB_EVENT_NAME": "an event of tomorrow"}, {}, "untrusted"),
        (
            {
                **GITHUB,
                "GITHUB_EVENT_NAME": "merge_group",
                "GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-17-1d9f",
            },
            {},
            "untrusted",
        ),
        ({**GITHUB, "GITHUB_EVENT_NAME": "merge_group"}, {}, "untrusted"),
        ({**GITHUB, **PULL}, payload(4711), "pr"),
        ({**GITHUB, **PULL}, payload(9), "untrusted"),
        ({**GITHUB, **PULL}, {}, "untrusted"),
        ({**GITHUB, **PULL, "GITHUB_REF": "refs/pull/0/merge"}, payload(4711), "untrusted"),
        ({**GITHUB, **PULL, "GITHUB_REF": "refs/pull/17/merge\n"}, payload(4711), "untrusted"),
        (GITLAB, {}, "trusted"),
        ({**GITLAB, "CI_RUNNER_TAGS": "[]"}, {}, "untrusted"),
        ({**GITLAB, "CI_COMMIT_REF_PROTECTED": "false"}, {}, "untrusted"),
        ({**GITLAB, "CI_COMMIT_TAG": "v2", "CI_COMMIT_BRANCH": ""}, {}, "release"),
        ({**GITLAB, "CI_PIPELINE_SOURCE": "trigger"}, {}, "untrusted"),
        ({**GITLAB, "CI_PIPELINE_SOURCE": "parent_pipeline"}, {}, "trusted"),
        ({**GITLAB, "CI_PIPELINE_SOURCE": "parent_pipeline", "CI_COMMIT_REF_PROTECTED": "false"}, {}, "untrusted"),
        ({**GITLAB, **MERGE, "CI_PIPELINE_SOURCE": "parent_pipeline"}, {}, "untrusted"),
        ({**GITLAB, "CI_PIPELINE_SOURCE": "pipeline"}, {}, "untrusted"),
        ({**GITLAB, **MERGE}, {}, "pr"),
        ({**GITLAB, **MERGE, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "18"}, {}, "untrusted"),
        (BUILDKITE, {}, "trusted"),
        ({**BUILDKITE, "BUILDKITE_REPO": "https://github.com/evil/images.git"}, {}, "untrusted"),
        ({**BUILDKITE, "BUILDKITE_PULL_REQUEST": "8"}, {}, "untrusted"),
        (
            {
                **BUILDKITE,
                "BUILDKITE_PULL_REQUEST": "8",
                "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/acme/images.git",
            },
            {},
            "pr",
        ),
        (
            {
                **BUILDKITE,
                "BUILDKITE_PULL_REQUEST": "8",
                "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/eve/images.git",
            },
            {},
            "untrusted",
        ),
        ({**BUILDKITE, "BUILDKITE_AGENT_META_DATA_QUEUE": "default"}, {}, "untrusted"),
        ({}, {}, "untrusted"),
        ({"CI": "true"}, {}, "untrusted"),
    ],
)
def test_a_providers_environment_makes_a_level(environment: dict[str, str], event: dict[str, Any], level: str) -> None:
    assert level_of(seen(environment, event, IDENTITY).run) == level


@pytest.mark.parametrize("name", ["CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID"])
def test_a_ci_that_is_not_known_is_no_laptop(name: str) -> None:
    assert seen({name: "True"}, {}, IDENTITY).provider == "unknown CI"
    assert seen({name: ""}, {}, IDENTITY).provider == "local"


@pytest.mark.parametrize("environment", [{**GITHUB, **PULL}, {**GITLAB, **MERGE}, BUILDKITE, GITHUB, GITLAB])
def test_every_variable_that_is_missing_takes_trust_away_or_nothing(environment: dict[str, str]) -> None:
    before = list(Level).index(level_of(seen(environment, payload(4711), IDENTITY).run))
    for name in environment:
        less = {key: value for key, value in environment.items() if key != name}
        assert list(Level).index(level_of(seen(less, payload(4711), IDENTITY).run)) >= before


CLAIMS = {
    "ref": "refs/heads/main",
    "ref_protected": "true",
    "event_name": "push",
    "repository": "acme/images",
    "repository_id": "4711",
    "repository_owner_id": "42",
    "actor": "ann",
    "runner_environment": "github-hosted",
    "sub": "repo:acme/images:ref:refs/heads/main",
}
GITLAB_CLAIMS = {
    "ref_path": "refs/merge-requests/9/head",
    "pipeline_source": "merge_request_event",
    "project_path": "acme/images",
    "project_id": "17",
    "namespace_id": "5",
    "user_login": "ann",
    "runner_environment": "gitlab-hosted",
    "ref_protected": "false",
}


@pytest.mark.parametrize(
    ("provider", "claims", "level", "write"),
    [
        ("github", CLAIMS, "trusted", "main"),
        ("github", {**CLAIMS, "event_name": "pull_request", "ref": "refs/pull/5/merge"}, "pr", "pr/5"),
        ("github", {**CLAIMS, "repository_id": 4711, "ref_protected": True}, "trusted", "main"),
        ("github", {**CLAIMS, "repository_id": "1"}, "untrusted", None),
        ("github", {**CLAIMS, "repository": "acme/images-evil"}, "untrusted", None),
        ("github", {**CLAIMS, "event_name": ["push"]}, "untrusted", None),
        ("github", {"sub": CLAIMS["sub"]}, "untrusted", None),
        ("gitlab", GITLAB_CLAIMS, "pr", "pr/9"),
        ("gitlab", {**GITLAB_CLAIMS, "project_id": "18"}, "untrusted", None),
        ("gitlab", CLAIMS, "untrusted", None),
        ("elsewhere", CLAIMS, "untrusted", None),
    ],
)
def test_a_token_makes_a_level(provider: str, claims: dict[str, object], level: str, write: str | None) -> None:
    run = run_of(provider, claims, IDENTITY)
    assert level_of(run) == level
    assert (str(write_of(run)) if write_of(run) else None) == write


def test_only_what_a_row_admits_is_trusted() -> None:
    """Over every run that the words can say: one trusted actor, origin and runner, and the right event and ref."""
    admitted = {run for run in all_runs() if level_of(run) is not Level.UNTRUSTED}
    assert {(run.origin, run.actor, run.runner) for run in admitted} == {(Origin.SAME, Actor.WRITER, Runner.TRUSTED)}
    assert {(run.event, run.ref) for run in admitted} == {
        (Event.PUSH, RefKind.PROTECTED_TAG),
        (Event.RELEASE, RefKind.PROTECTED_TAG),
        (Event.PUSH, RefKind.PROTECTED_BRANCH),
        (Event.SCHEDULE, RefKind.PROTECTED_BRANCH),
        (Event.DISPATCH, RefKind.PROTECTED_BRANCH),
        (Event.PULL_REQUEST, RefKind.PULL),
    }
    assert all((run.number > 0) == (level_of(run) is Level.PR) for run in admitted)


def test_a_pull_request_reads_its_own_scope_first_and_writes_no_other() -> None:
    run = Run(
        event=Event.PULL_REQUEST,
        ref=RefKind.PULL,
        origin=Origin.SAME,
        actor=Actor.WRITER,
        runner=Runner.TRUSTED,
        number=17,
    )
    assert [str(scope) for scope in reads_of(run)] == ["pr/17", "main"]
    assert write_of(run) == Scope(kind="pr", number=17)
    for other in all_runs():
        if level_of(other) is Level.UNTRUSTED:
            assert write_of(other) is None
            assert [str(scope) for scope in reads_of(other)] == ["main"]
        if other.event is Event.PULL_REQUEST and other.number:
            assert github_write_of(other) == Scope(kind="pr", number=other.number)


def test_a_judgement_says_why() -> None:
    assert judge(Run()).why == "event unknown on a other ref is trusted nowhere"
    run = seen({**GITHUB, "RUNNER_ENVIRONMENT": "self-hosted"}, {}, IDENTITY).run
    assert judge(run).why == "runner: other runner where trusted is asked"
