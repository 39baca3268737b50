"""Each rule finds what it is for, and a careful workflow is found nothing in."""

from __future__ import annotations

import time

import pytest

from planner.policy.workflow_lint import lint

PIN = "a" * 40
CAREFUL = f"""\
on:
  pull_request:
permissions: {{contents: read}}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{PIN}
      - run: echo "$TITLE"
        env: {{TITLE: "${{{{ github.event.pull_request.title }}}}"}}
      - run: echo ${{{{ github.event.pull_request.number }}}} ${{{{ github.sha }}}}
"""

HOSTILE = CAREFUL.replace("  pull_request:", "  pull_request_target:\n  push: {tags: [v1]}")


def rules(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.rule) for one in lint(text.encode(), "w.yml")]


def test_a_careful_workflow() -> None:
    assert rules(CAREFUL) == []


@pytest.mark.parametrize(
    ("before", "after", "line", "rule"),
    [
        (f"checkout@{PIN}", "checkout@v5", 8, "unpinned-action"),
        (f"actions/checkout@{PIN}", "docker://alpine:3", 8, "unpinned-action"),
        ('echo "$TITLE"', "echo ${{ github.event.pull_request.title }}", 9, "injection"),
        ('echo "$TITLE"', "echo ${{ github.head_ref }}", 9, "injection"),
        ('echo "$TITLE"', "echo ${{ github.event.commits[0].message }}", 9, "injection"),
        ("{contents: read}", "{contents: write}", 3, "write-permission"),
        ("{contents: read}", "write-all", 3, "write-permission"),
        ("permissions: {contents: read}", "env: {A: b}", 5, "no-permissions"),
        ("ubuntu-latest", "[self-hosted, linux]", 6, "own-runner"),
        ("  pull_request:", "  pull_request_target:", 0, ""),
    ],
)
def test_one_change_is_found(before: str, after: str, line: int, rule: str) -> None:
    assert before in CAREFUL
    assert rules(CAREFUL.replace(before, after)) == ([(line, rule)] if rule else [])


@pytest.mark.parametrize("event", ["discussion_comment", "gollum", "issue_comment"])
@pytest.mark.parametrize("secret", ["secrets.KEY", "secrets['KEY']", "Secrets.Key", "toJson(secrets)"])
def test_a_secret_in_a_run_that_outsiders_start(event: str, secret: str) -> None:
    text = CAREFUL.replace("  pull_request:", f"  {event}:").replace("github.event.pull_request.title", secret)
    assert rules(text) == [(10, "secret-to-outsiders")]
    assert rules(text.replace(secret, "secrets.GITHUB_TOKEN")) == []


@pytest.mark.parametrize(
    "head",
    [
        "github.event.pull_request.head.sha",
        "github.event.pull_request['head'].sha",
        "github['event']['pull_request'].head.sha",
        "GitHub.Event.Pull_Request.Head.SHA",
        "github.event.pull_request.merge_commit_sha",
    ],
)
def test_a_checkout_of_what_an_outsider_wrote(head: str) -> None:
    text = HOSTILE.replace(f"checkout@{PIN}\n", f'checkout@{PIN}\n        with: {{ref: "${{{{ {head} }}}}"}}\n')
    assert text != HOSTILE
    assert (10, "checkout-of-head") in rules(text)


@pytest.mark.parametrize("command", ["git pull origin refs/pull/1/head", "git fetch origin pull/1/head"])
def test_a_fetch_of_what_an_outsider_wrote(command: str) -> None:
    assert (13, "checkout-of-head") in rules(f"{HOSTILE}      - run: {command}\n")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("github.event.issue.title", True),
        ("format('{0}', github.event.comment.body)", True),
        ("toJSON(github.event.commits.*.author['name'])", True),
        ("1 }} ${{ github.event.review.body", True),
        ("a ${{ github.head_ref", True),
        ("github.event.number && github.event.head_commit.message", True),
        ("github['event']['issue'][ 'body' ]", True),
        ("GitHub.Event.Issue.TITLE", True),
        ("toJson( github.event )", True),
        ("toJSON(github)", True),
        ("toJSON(github.event.issue)", True),
        ("toJSON(github.sha)", False),
        ("github.event['number']", False),
        ("github.event.pull_request.head.sha", False),
        ("github.event.titles", False),
        ("mygithub.head_ref", False),
        ("github.head_refs", False),
        ("1 }} github.head_ref ${{ 2", False),
    ],
)
def test_what_an_outsider_wrote_in_an_expression(expression: str, found: bool) -> None:
    run = f'      - run: "echo ${{{{ {expression} }}}}"\n'
    assert rules(CAREFUL + run) == ([(12, "injection")] if found else [])


@pytest.mark.parametrize(
    "text",
    [
        "${{ " + "github.event.title." * 50_000,
        "${{ " + "github.event.title " * 50_000,
        "${{ github.event." + "title" * 200_000,
        "${{ github.event.a }} " * 45_000,
        "secrets" * 140_000,
        "toJSON(" + " " * 1_000_000,
        "git fetch " * 100_000,
        "type=registry,ref=" * 55_000,
    ],
    ids=["path", "words", "run", "closed", "secrets", "json", "fetch", "cache"],
)
def test_a_hostile_file_takes_no_longer_than_its_length(text: str) -> None:
    began = time.process_time()
    for place in ("- run: |", f"- uses: a/b@{PIN}\n        with:\n         script: |"):
        lint(f"{HOSTILE}      {place}\n          {text}\n".encode(), "w.yml")
    assert time.process_time() - began < 10


def test_a_checkout_of_the_head_beside_secrets() -> None:
    text = f"""\
on: [pull_request_target]
permissions: {{contents: read}}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{PIN}
        with: {{ref: "${{{{ github.event.pull_request.head.sha }}}}"}}
      - run: make
        env: {{KEY: "${{{{ secrets.DEPLOY }}}}"}}
      - uses: actions/cache@{PIN}
      - run: gh pr checkout "$N"
"""
    assert rules(text) == [
        (8, "checkout-of-head"),
        (10, "secret-to-outsiders"),
        (11, "cache-of-outsiders"),
        (12, "checkout-of-head"),
    ]
    harmless = text.replace("pull_request_target", "push")
    assert rules(harmless) == []


def test_a_release_that_restores_a_cache() -> None:
    text = f"""\
on: {{push: {{tags: ["v*"]}}}}
permissions: {{contents: read}}
jobs:
  release:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/setup-node@{PIN}
        with: {{cache: npm}}
      - uses: docker/build-push-action@{PIN}
        with: {{cache-from: type=gha}}
"""
    assert rules(text) == [(7, "cache-in-release"), (9, "cache-in-release")]
    assert rules(text.replace('tags: ["v*"]', "branches: [main]")) == []


def test_secrets_handed_on_and_a_job_that_may_delete_caches() -> None:
    text = f"""\
on: {{workflow_run: {{workflows: [a]}}}}
permissions: {{contents: read}}
jobs:
  call:
    uses: acme/shared/.github/workflows/x.yml@{PIN}
    secrets: inherit
"""
    assert rules(text) == [(6, "secret-to-outsiders")]
    text = f"""\
on: push
jobs:
  clean:
    permissions: {{actions: write}}
    steps:
      - uses: actions/checkout@{PIN}
"""
    assert rules(text) == [(4, "write-permission")]


@pytest.mark.parametrize("text", ["[]", "on: push", "jobs: 3", "on: {push: }\njobs: {a: {steps: 5}}", "a: &a [*a]"])
def test_what_is_no_workflow_is_no_crash(text: str) -> None:
    try:
        lint(text.encode(), "w.yml")
    except Exception as error:
        assert type(error).__name__ == "DefinitionError"


def test_an_environment_answers_for_its_own_secrets_alone() -> None:
    """Not for a checkout of the head beside them, and not for secrets that are handed on whole."""
    line = "        env: {TOKEN: '${{ secrets.TOKEN }}'}\n"
    target = CAREFUL.replace("pull_request:", "pull_request_target:").replace(
        '        env: {TITLE: "${{', line + '        x: {TITLE: "${{'
    )
    assert "secret-to-outsiders" in [rule for _, rule in rules(target)]
    kept = target.replace("    runs-on: ubuntu-latest\n", "    runs-on: ubuntu-latest\n    environment: release\n")
    assert "secret-to-outsiders" not in [rule for _, rule in rules(kept)]
    head = kept.replace(
        f"checkout@{PIN}\n", f"checkout@{PIN}\n        with: {{ref: '${{{{ github.event.pull_request.head.sha }}}}'}}\n"
    )
    assert "checkout-of-head" in [rule for _, rule in rules(head)]
    handed_on = kept.replace("    environment: release\n", "    environment: release\n    secrets: inherit\n")
    assert "secret-to-outsiders" in [rule for _, rule in rules(handed_on)]
