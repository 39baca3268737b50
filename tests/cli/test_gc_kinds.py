"""Clean-up by GHCR's package versions, by Artifact Registry's policies, and within a budget."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.registry.whole import whole
from tests.cli.cleaned import CLIENT, DAY, RECORDED, Github, Space, cleaned_space
from tests.engine.engine import Engine
from tests.registry.apis import Api, running_api
from tests.registry.stocked import key_of, stock, stock_cache


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with cleaned_space(tmp_path, engine) as made:
        yield made


def cleaned(space: Space, api: Api, *arguments: str, status: int = 0) -> dict[str, Any]:
    known = {"GITHUB_API_URL": api.url, "GITHUB_TOKEN": "hush"}
    return space.gc("--registry-kind", "ghcr", "--ref", "main", *arguments, status=status, **known)


@pytest.mark.parametrize("owner", ["orgs", "users"])
def test_ghcr_deletes_versions_by_number_parents_first(space: Space, owner: str) -> None:
    github = Github(space.repository, {}, owner)
    children = {one["digest"] for one in CLIENT.manifest(space.repository, space.old)[1]["manifests"]}
    with running_api(github) as api:
        plan = cleaned(space, api)
        dropped = {one["digest"] for one in plan["manifests"] if one["state"] == "drop"}
        assert len(dropped) == 5
        assert not github.deleted, "a plan does nothing"
        cleaned(space, api, "--apply")
        assert not [line for line in api.seen if line.startswith("POST")]
        assert all(headers.get("authorization") == "Bearer hush" for headers in api.headers)
    assert set(github.deleted) == dropped
    assert max(map(github.deleted.index, dropped - children)) < min(map(github.deleted.index, children))
    assert not [line for line in space.proxy.seen if line.startswith(("DELETE", "PUT"))], "nothing through OCI"
    whole(CLIENT, space.repository, space.current)
    assert CLIENT.digest_of(space.repository, space.old) is None


def test_ghcr_untagged_versions_go_by_age_and_parts_of_images_stay(space: Space) -> None:
    """A layer cache whose tag moved on is a version without a tag, as the platforms of a live index are."""
    moved = {}
    for name, days in (("old", 30.0), ("young", 1.0)):
        digest = stock_cache(CLIENT, space.repository, f"cache-{name}")
        body = CLIENT.fetch(space.repository, digest)
        assert body is not None
        text = body.body.replace(
            b'"schemaVersion": 2', f'"annotations": {{"is": "{name}"}}, "schemaVersion": 2'.encode()
        )
        CLIENT.put(space.repository, f"x-{name}", text, body.media_type)
        moved[CLIENT.digest_of(space.repository, f"x-{name}") or ""] = days
        CLIENT.delete(space.repository, f"x-{name}")
    old, young = moved
    with running_api(Github(space.repository, moved)) as api:
        cleaned(space, api, "--apply")
    assert CLIENT.digest_of(space.repository, old) is None
    assert CLIENT.digest_of(space.repository, young) == young
    whole(CLIENT, space.repository, space.current)


def test_ghcr_tags_that_do_not_agree_stop_it(space: Space) -> None:
    github = Github(space.repository, {})
    for version in github.versions.values():
        if version["name"] == space.old:
            version["metadata"]["container"]["tags"].append("v1")
    with running_api(github) as api:
        assert "look again" in cleaned(space, api, "--apply", status=1)["error"]
    assert not github.deleted


@pytest.mark.parametrize("status", [401, 403, 500])
def test_ghcr_that_refuses_is_an_error_without_its_token(space: Space, status: int) -> None:
    with running_api(lambda *_: (status, {"message": "no"})) as api:
        told = cleaned(space, api, "--apply", status=1)["error"]
    assert f"status {status}" in told
    assert "hush" not in told


def test_ghcr_refuses_in_its_own_words(space: Space) -> None:
    github = Github(space.repository, {})

    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if method == "DELETE":
            return 400, {"message": "Publicly visible package versions with more than 5000 downloads\x1b[2J stay."}
        return github(method, path, query)

    with running_api(answers) as api:
        told = cleaned(space, api, "--apply", status=1)["error"]
    assert "GitHub does not delete a version (status 400): Publicly visible package versions" in told
    assert "\x1b" not in told


def test_ghcr_restores_by_itself(space: Space) -> None:
    run = space.planner("gc", "restore", "--registry-kind", "ghcr", "--ref", "main")
    assert run.returncode == 1
    assert "GitHub itself restores" in run.stderr


FIELDS = {"tagState", "tagPrefixes", "versionNamePrefixes", "packageNamePrefixes", "olderThan", "newerThan"}
"""Of a condition: docs.cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories"""


def expect_documented(policies: list[dict[str, Any]]) -> None:
    """What the documentation says of such a file."""
    assert 0 < len(policies) <= 10
    assert len({policy["name"] for policy in policies}) == len(policies)
    for policy in policies:
        assert policy.keys() <= {"name", "action", "condition", "mostRecentVersions"}
        assert len(policy.keys() & {"condition", "mostRecentVersions"}) == 1
        assert policy["action"].keys() == {"type"}
        assert policy["action"]["type"] in ("Delete", "Keep")
        condition = policy.get("condition", {})
        assert condition.keys() <= FIELDS
        assert condition.get("tagState", "any") in ("tagged", "untagged", "any")
        assert re.fullmatch(r"[1-9][0-9]*[smhd]", condition.get("olderThan", "1d"))


def test_the_documented_example_has_the_documented_form() -> None:
    expect_documented(json.loads((RECORDED / "cleanup-policies.json").read_text()))


def test_cleanup_policies_keep_every_manifest_that_is_wanted(space: Space) -> None:
    run = space.planner("gc", "--ref", "main", "--grace", "20", "--format", "artifact-registry")
    assert run.returncode == 0, run.stderr
    policies = json.loads(run.stdout)
    expect_documented(policies)
    deletes, keeps = policies
    name = space.repository.partition("/")[2]
    assert deletes["condition"] == {"tagState": "any", "olderThan": "20d", "packageNamePrefixes": [name]}
    kept = set(keeps["condition"]["versionNamePrefixes"])
    plan = space.gc("--ref", "main", "--grace", "20")["manifests"]
    assert kept == {one["digest"] for one in plan if one["state"] == "keep"}
    parts = CLIENT.manifest(space.repository, space.current)[1]["manifests"]
    assert {space.current, *(one["digest"] for one in parts)} <= kept
    assert space.old not in kept
    refused = space.planner("gc", "--grace", "0", "--format", "artifact-registry")
    assert refused.returncode == 2
    assert "a day or more" in refused.stderr


def policy_with(space: Space, cache: str, images: str) -> None:
    address = space.proxy.address
    space.write(
        {
            "policy.yaml": "version: 1\nregistries: {r: {address: '" + address + "'}}\nretention: {pr: 9d}\nscopes:\n"
            "  main: {registry: r, cache: cache/main, images: prod/x, write: [trusted], read: [trusted]}\n"
            f"  pr: {{registry: r, cache: '{cache}', images: '{images}', write: [pr], read: [pr]}}\n"
        }
    )


def test_cleanup_policies_of_pull_requests_by_the_retention_of_the_policy(space: Space) -> None:
    policy_with(space, "cache/pr/{number}", "pr/{number}")
    policies = json.loads(space.planner("gc", "--ref", "main", "--format", "artifact-registry").stdout)
    expect_documented(policies)
    assert [(one["condition"]["packageNamePrefixes"], one["condition"]["olderThan"]) for one in policies[2:]] == [
        (["cache/pr/"], "9d"),
        (["pr/"], "9d"),
    ]


@pytest.mark.parametrize(
    ("cache", "images", "told"),
    [
        ("cache/pr/{number}", "{number}", 'the beginning "", which is that of all packages'),
        ("cache/{number}", "pr/{number}", 'the beginning "cache/", as cache/main has'),
        ("cache/pr/{number}", "acme/{number}", 'the beginning "acme/", as acme/'),
    ],
)
def test_cleanup_policies_that_would_delete_others_things_are_refused(
    space: Space, cache: str, images: str, told: str
) -> None:
    """Google's condition is the beginning of a name: it cannot ask for a number after it."""
    policy_with(space, cache, images)
    run = space.planner("gc", "--ref", "main", "--format", "artifact-registry")
    assert run.returncode == 1, run.stdout
    assert told in run.stderr


def test_a_budget_is_told_and_kept(space: Space) -> None:
    ancient = stock(CLIENT, space.repository, key_of(2), at=time.time() - 300 * DAY)

    def states(*arguments: str) -> dict[str, str]:
        return {one["digest"]: one["state"] for one in space.gc("--ref", "main", *arguments)["manifests"]}

    plain = space.gc("--ref", "main")
    assert "budget" not in plain
    assert states()[ancient] == states()[space.old] == "drop"
    roomy = space.gc("--ref", "main", "--max-bytes", "1GB")
    assert {one["state"] for one in roomy["manifests"]} == {"keep"}
    total = roomy["budget"]["kept_bytes"]
    limit = str(total - 1)
    tight = states("--max-bytes", limit)
    assert (tight[ancient], tight[space.old], tight[space.current]) == ("drop", "keep", "keep")
    nothing = space.gc("--ref", "main", "--max-bytes", "1")
    assert nothing["budget"]["fits"] is False
    assert {one["digest"] for one in nothing["manifests"] if one["state"] == "keep"} >= {space.current}
    said = space.planner("gc", "--ref", "main", "--max-bytes", limit, "--apply").stdout
    assert "no room within --max-bytes" in said
    assert f"within --max-bytes {limit}" in said
    assert CLIENT.digest_of(space.repository, key_of(2)) is None, "in quarantine"
    assert CLIENT.digest_of(space.repository, key_of(1)) == space.old
    again = states("--max-bytes", "1GB", "--apply")
    assert again[ancient] == "in-quarantine", "room alone brings nothing back"
    assert space.planner("gc", "--max-bytes", "much").returncode == 2
