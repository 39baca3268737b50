"""Clean-up by GHCR's package versions, by Artifact Registry's policies, within a budget, beside open pull requests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.registry.client import HttpRegistry
from planner.registry.listing import listing
from planner.registry.whole import whole
from tests.cli.test_documents import check
from tests.engine.engine import Engine
from tests.registry.apis import Api, running_api
from tests.registry.faults import Proxy, faulty
from tests.registry.stocked import key_of, stock, stock_cache
from tests.workspace import Workspace

RECORDED = Path(__file__).parents[1] / "registry" / "recorded"
CLIENT = HttpRegistry()
DAY = 86_400.0


class Space(Workspace):
    """A family of one image in a registry that everything is asked of through a proxy."""

    proxy: Proxy
    repository: str
    current: str
    old: str

    def gc(self, *arguments: str, status: int = 0, **environment: str) -> dict[str, Any]:
        run = self.planner("gc", *arguments, "--format", "json", **environment)
        assert run.returncode == status, run.stderr
        assert "Traceback" not in run.stderr
        if status:
            return {"error": run.stderr}
        document: dict[str, Any] = json.loads(run.stdout)
        check("gc", document)
        return document


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with faulty(engine.registry.address) as proxy:
        made = Space(tmp_path / "family")
        made.proxy = proxy
        prefix = f"acme/{tmp_path.name.lower().replace('_', '-')[-30:]}"
        made.write(
            {
                "images.yaml": f"version: 1\nregistry: {proxy.address}/{prefix}\nimages: {{tool: {{}}}}\n",
                "Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
            }
        )
        made.commit()
        made.repository = f"{engine.registry.address}/{prefix}/tool"
        made.current = stock(CLIENT, made.repository, made.keys()["tool"], at=time.time() - 40 * DAY)
        made.old = stock(CLIENT, made.repository, key_of(1), at=time.time() - 30 * DAY)
        yield made


def written(days: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * DAY))


LAST = "You cannot delete the last tagged version of a package. You must delete the package instead."


class Github:
    """The versions of one package, in the documented form, over the manifests that a registry holds.

    As the real one it deletes the last version with a tag only together with the package.
    """

    def __init__(self, repository: str, untagged: dict[str, float], owner: str = "orgs") -> None:
        self.repository = repository
        whose, _, name = repository.partition("/")[2].partition("/")
        self.package = f"/{owner}/{whose}/packages/container/{name.replace('/', '%2F')}"
        self.place = f"{self.package}/versions"
        form = json.loads((RECORDED / "ghcr-versions.json").read_text())[0]
        found = [(one.digest, one.tags, 30.0) for one in listing(CLIENT, repository).manifests]
        found += [(digest, (), days) for digest, days in untagged.items()]
        self.versions = {
            1000 + number: {
                **form,
                "id": 1000 + number,
                "name": digest,
                "created_at": written(days),
                "metadata": {"package_type": "container", "container": {"tags": list(tags)}},
            }
            for number, (digest, tags, days) in enumerate(found)
        }
        self.deleted: list[str] = []

    def __call__(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if not self.versions or not path.startswith(self.package):
            return 404, {"message": "Not Found"}
        if method == "GET":
            return 200, list(self.versions.values())
        if path == self.package:
            for number in list(self.versions):
                self._delete(number)
            return 204, None
        number = int(path.rpartition("/")[2])
        if number not in self.versions:
            return 404, {"message": "Package not found."}
        tagged = [one for one, version in self.versions.items() if version["metadata"]["container"]["tags"]]
        if tagged == [number]:
            return 400, {"message": LAST}
        self._delete(number)
        return 204, None

    def _delete(self, number: int) -> None:
        digest = str(self.versions.pop(number)["name"])
        self.deleted.append(digest)
        CLIENT.delete(self.repository, digest)


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


@pytest.mark.parametrize("days", ["nan", "inf", "-inf", "1e400", "-1", "1e9", "soon"])
@pytest.mark.parametrize("option", ["--grace", "--wait"])
def test_days_are_a_number_that_ends(tmp_path: Path, option: str, days: str) -> None:
    """Nothing is younger than "not a number" of days."""
    for more in ((), ("--format", "artifact-registry")):
        refused = Workspace(tmp_path / "none").planner("gc", f"{option}={days}", *more)
        assert refused.returncode == 2, refused.stdout
        assert f"{option}: is a number of days from 0 to 100,000" in refused.stderr


@pytest.mark.parametrize("count", ["-1", "4294967296"])
def test_more_commits_than_git_counts_are_none(tmp_path: Path, count: str) -> None:
    refused = Workspace(tmp_path / "none").planner("gc", f"--last={count}")
    assert refused.returncode == 2, refused.stdout
    assert "--last is a number from 0 to 1,000,000" in refused.stderr


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
    assert space.planner("gc", "--max-bytes", "much").returncode == 1


def test_heads_of_open_pull_requests_keep_their_images(space: Space, tmp_path: Path) -> None:
    space.git("checkout", "-q", "--detach")
    space.write({"Dockerfile": "FROM scratch\nCOPY images.yaml /\n"})
    space.commit()
    head, key = space.git("rev-parse", "HEAD").strip(), space.keys()["tool"]
    space.git("checkout", "-q", "main")
    theirs = stock(CLIENT, space.repository, key, at=time.time() - 30 * DAY)
    opened = tmp_path / "open.json"
    opened.write_text(json.dumps([{"number": 21, "headRefOid": head}]))

    def why(*arguments: str) -> str:
        plan = space.gc("--ref", "main", "--last", "1", *arguments)
        return next(str(one["why"]) for one in plan["manifests"] if one["digest"] == theirs)

    assert why() == "no ref, pin or lease leads to it"
    assert why("--pull-requests", os.fspath(opened)) == "is wanted: pull request 21"
    with running_api(lambda *_: (200, [{"number": 21, "state": "open", "head": {"sha": head}}])) as api:
        run = space.planner("gc", "--pull-requests", "api", GITHUB_API_URL=api.url, GITHUB_REPOSITORY="acme/images")
    assert "is wanted: pull request 21" in run.stdout, run.stderr
    opened.write_text(f"21 {'b' * 40}\n")
    assert "is not in this clone" in space.gc("--pull-requests", os.fspath(opened), "--apply", status=1)["error"]
    opened.write_text("21\n")
    assert "nothing tells the head of 21" in space.gc("--pull-requests", os.fspath(opened), status=1)["error"]


def test_a_ref_whose_graph_file_is_elsewhere_stops_it(space: Space) -> None:
    """Its images would seem unwanted; so they would for a pull request from before the move."""
    space.git("branch", "release/1")
    head = space.git("rev-parse", "HEAD").strip()
    space.git("checkout", "-q", "--orphan", "gh-pages")
    space.git("rm", "-q", "-r", "--cached", ".")
    space.write({"index.html": "<p>\n"})
    space.git("add", "index.html")
    space.git("commit", "-q", "-m", "pages")
    space.git("checkout", "-q", "-f", "main")
    (space.root / "docker").mkdir()
    space.git("mv", "images.yaml", "Dockerfile", "docker")
    space.write({"docker/Dockerfile": "FROM scratch\nCOPY images.yaml /\n"})
    space.commit()

    def moved(*arguments: str) -> subprocess.CompletedProcess[str]:
        return space.planner("-C", os.fspath(space.root / "docker"), "gc", *arguments, "--format", "json")

    for refs in ((), ("--ref", "release/*"), ("--ref", "*")):
        stopped = moved(*refs, "--apply")
        assert stopped.returncode == 1, stopped.stdout
        assert f"release/1 ({head[:12]}): no graph file is where it is today" in stopped.stderr
        assert "--ref '!release/1'" in stopped.stderr
        assert "gh-pages" not in stopped.stderr.partition("nothing is removed")[2]
    opened = space.root.parent / "open.json"
    opened.write_text(json.dumps([{"number": 21, "headRefOid": head}]))
    asked = ("--ref", "main", "--pull-requests", os.fspath(opened))
    assert "--ref '!pull/21'" in moved(*asked).stderr
    assert CLIENT.digest_of(space.repository, space.current) == space.current
    for refs in (("--ref", "!release/*"), (*asked, "--ref", "!pull/21")):
        left_out = moved(*refs)
        assert left_out.returncode == 0, left_out.stderr
        assert "HEAD~1" in left_out.stderr
        assert "no graph file is where it is today, so that nothing is kept for" in left_out.stderr
    assert "warning: gh-pages, HEAD~1: no graph" in moved("--ref", "!release/*").stderr


def test_lines_of_the_keep_list_that_keep_nothing_stop_it(space: Space, tmp_path: Path) -> None:
    listed = tmp_path / "keep"

    def states(text: bytes) -> dict[str, str]:
        listed.write_bytes(text)
        plan = space.gc("--ref", "main", "--keep", os.fspath(listed))
        return {one["digest"]: one["state"] for one in plan["manifests"]}

    for line in (space.old, key_of(1), f"tool:{key_of(1)}", f"tool:rec-{key_of(1)}", "t*:x3-*01  # for the audit"):
        assert states(f"# kept\n{line}\n".encode())[space.old] == "keep"
    marked = states(b"\xef\xbb\xbf" + f"tool:{key_of(1)}\n".encode())
    assert marked[space.old] == "keep", "a byte order mark is no part of a name"
    for wrong in (f"tol:{key_of(1)}", f"sha256:{'0' * 64}", key_of(7), "tool"):
        listed.write_text(f"tool:*\n{wrong}\n")
        error = space.gc("--ref", "main", "--keep", os.fspath(listed), "--apply", status=1)["error"]
        assert f'{listed}: nothing is called "{wrong}"' in error
        assert "nothing is removed" in error
    assert CLIENT.digest_of(space.repository, key_of(1)) == space.old
