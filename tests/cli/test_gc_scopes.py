"""`planner gc --scopes` on a real registry: what pull requests left goes once they end; main's is never touched."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.registry.artefact import EMPTY, EMPTY_BLOB, MANIFEST, referrers_tag
from planner.registry.client import INDEXES, HttpRegistry, digest_of
from planner.registry.listing import listing
from planner.registry.quarantine import QUARANTINE, put_away
from tests.cli.test_documents import check
from tests.cli.test_gc_kinds import Github
from tests.engine.engine import Engine
from tests.engine.registry import running_registry
from tests.registry.apis import running_api
from tests.registry.faults import Fault, faulty
from tests.registry.stocked import document, entry, key_of, stock, stock_cache, stock_lease
from tests.trust.runs import environment_of
from tests.workspace import Workspace

DAY = 86_400.0
CLIENT = HttpRegistry()
GRAPH = (
    "version: 1\nregistry: {host}/images\nkeys: {{algorithm: sha256}}\nimages: {{app: {{dockerfile: Dockerfile}}}}\n"
)
POLICY = """\
version: 1
repositories: {{github: {{name: acme/images, id: 4711, owner: 42}}}}
protected: {{branches: [main], tags: ["v*"]}}
registries: {{cache: {{address: "{host}", isolation: path}}}}
scopes:
  main:
    {{registry: cache, cache: cache/main, images: images, write: [trusted], read: [release, trusted, pr, untrusted]}}
  release: {{registry: cache, cache: cache/release, images: release, write: [release], read: [release]}}
  pr: {{registry: cache, cache: "cache/pr/{{number}}", images: "pr/{{number}}", write: [pr], read: [pr]}}
retention: {{pr: 7d}}
"""


class Space(Workspace):
    """A family under a policy, with a registry of its own in which pull requests and main left things."""

    host: str

    def gc(self, *arguments: str, **environment: str) -> dict[str, Any]:
        run = self.planner("gc", "--scopes", *arguments, "--format", "json", **environment)
        assert run.returncode == 0, run.stderr
        document: dict[str, Any] = json.loads(run.stdout)
        check("gc", document)
        return document

    def there(self) -> set[str]:
        """The repositories in which anything is tagged."""
        names = ("images/app", "cache/main/app", "release/app")
        pulls = [f"{place}/{number}/app" for place in ("pr", "cache/pr") for number in (1, 17, 18)]
        return {name for name in (*names, *pulls) if CLIENT.tags(f"{self.host}/{name}")}


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with running_registry(engine.programs / "registry", tmp_path / "registry") as registry:
        made = Space(tmp_path / "family")
        made.host = registry.address
        made.write(
            {
                "images.yaml": GRAPH.format(host=made.host),
                "Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
                "policy.yaml": POLICY.format(host=made.host),
            }
        )
        made.commit()
        for number, place in enumerate(("images", "release", "pr/1", "pr/17", "pr/18")):
            stock(CLIENT, f"{made.host}/{place}/app", key_of(number), at=time.time() - 2 * DAY)
        for place in ("cache/main", "cache/pr/1", "cache/pr/17"):
            stock_cache(CLIENT, f"{made.host}/{place}/app")
        yield made


EVERYTHING = {
    "images/app",
    "release/app",
    "cache/main/app",
    "pr/1/app",
    "pr/17/app",
    "pr/18/app",
    "cache/pr/1/app",
    "cache/pr/17/app",
}
OF_17 = {"pr/17/app", "cache/pr/17/app"}
EVENT = Path(__file__).parents[1] / "policy" / "recorded" / "github-closed.json"


def test_what_ended_goes_with_images_records_and_caches_and_only_that(space: Space, tmp_path: Path) -> None:
    plan = space.gc("--closed", os.fspath(EVENT))
    assert {one["repository"].partition("/")[2] for one in plan["manifests"] if one["state"] == "drop"} == OF_17
    assert [(one["number"], one["ended"]) for one in plan["scopes"]] == [(1, False), (17, True), (18, False)]
    assert space.there() == EVERYTHING, "a plan does nothing"

    said = space.planner("gc", "--scopes", "--closed", os.fspath(EVENT), "--apply")
    assert said.returncode == 0, said.stderr
    assert "pr/17: the pull request ended" in said.stdout
    assert space.there() == EVERYTHING - OF_17
    assert space.gc("--closed", os.fspath(EVENT), "--apply")["freed"] == 0, "a second time there is nothing to do"
    there = listing(CLIENT, f"{space.host}/pr/18/app")
    put_away(CLIENT, there.manifests, time.time())
    listed = tmp_path / "ended"
    listed.write_text("1\n18\n")
    space.gc("--closed", os.fspath(listed), "--apply")
    assert space.there() == {"images/app", "release/app", "cache/main/app"}


def test_pins_and_running_leases_stay(space: Space) -> None:
    key = key_of(50)
    pinned = CLIENT.digest_of(f"{space.host}/pr/17/app", key_of(3))
    assert pinned
    space.write({"deploy.yaml": f"image: {space.host}/pr/17/app@{pinned}\n"})
    space.commit()
    repository = f"{space.host}/pr/1/app"
    building = stock(CLIENT, repository, key, at=time.time() - 30 * DAY)
    lease = stock_lease(CLIENT, repository, key, time.time())
    ended = space.root.parent / "ended"
    ended.write_text("1\n17\n")
    space.gc("--closed", os.fspath(ended), "--apply")
    assert {"pr/1/app", "pr/17/app"} <= space.there()
    assert CLIENT.digest_of(f"{space.host}/pr/17/app", pinned) == pinned
    assert CLIENT.digest_of(repository, building) == building
    assert CLIENT.digest_of(repository, f"lease-{key}") == lease
    assert CLIENT.digest_of(repository, key_of(2)) is None, "nothing else of that scope"


def test_by_age_what_the_retention_of_the_policy_is_over_for(space: Space) -> None:
    old = stock(CLIENT, f"{space.host}/pr/18/app", key_of(60), at=time.time() - 8 * DAY)
    dropped = [one for one in space.gc("--apply")["manifests"] if one["state"] == "drop"]
    assert {one["repository"].partition("/")[2] for one in dropped} == {"pr/18/app"}
    assert old in {one["digest"] for one in dropped}
    assert {one["why"] for one in dropped} == {"is older than 7 days"}
    assert CLIENT.digest_of(f"{space.host}/pr/18/app", key_of(60)) is None
    assert CLIENT.digest_of(f"{space.host}/pr/18/app", key_of(4)), "two days old"
    assert space.there() == EVERYTHING


def test_the_forge_says_what_is_open(space: Space) -> None:
    commit = space.git("rev-parse", "HEAD").strip()
    listed = [{"number": 18, "state": "open", "head": {"sha": commit}}]
    with running_api(lambda *_: (200, listed)) as api:
        space.gc("--pull-requests", "api", "--closed", os.fspath(EVENT), "--apply", GITHUB_API_URL=api.url)
    assert space.there() == {"images/app", "release/app", "cache/main/app", "pr/18/app"}


def test_one_that_is_open_again_stays(space: Space) -> None:
    opened = space.root.parent / "open"
    opened.write_text("1\n17\n18\n")
    space.gc("--pull-requests", os.fspath(opened), "--closed", os.fspath(EVENT), "--apply")
    assert space.there() == EVERYTHING


def test_a_broken_image_does_not_keep_a_scope(space: Space) -> None:
    repository = f"{space.host}/pr/17/app"
    index = CLIENT.manifest(repository, key_of(3))[1]
    CLIENT.delete(repository, index["manifests"][0]["digest"])
    space.gc("--closed", os.fspath(EVENT), "--apply")
    assert space.there() == EVERYTHING - OF_17


def put(repository: str, tag: str, media_type: str, **fields: object) -> dict[str, object]:
    """Push any manifest, with or without a tag; gives the entry of an index for it."""
    body = document(media_type, **fields)
    CLIENT.put(repository, tag or digest_of(body), body, media_type)
    return entry(body, media_type)


def an_index_with_an_untagged_quarantine(repository: str) -> None:
    inner = put(repository, "", INDEXES[0], artifactType=QUARANTINE, manifests=[])
    put(repository, "boom", INDEXES[0], manifests=[inner])


def a_layer_without_a_size(repository: str) -> None:
    blob = CLIENT.put_blob(repository, EMPTY_BLOB)
    config = {"mediaType": EMPTY, "digest": blob, "size": len(EMPTY_BLOB)}
    put(repository, "boom", MANIFEST, config=config, layers=[{"mediaType": EMPTY, "digest": blob}])


def a_quarantine_without_notes(repository: str) -> None:
    found = CLIENT.fetch(repository, key_of(3))
    assert found is not None
    put(repository, "boom", INDEXES[0], artifactType=QUARANTINE, manifests=[entry(found.body, INDEXES[0])])


def a_circle_through_a_tag(repository: str) -> None:
    index = CLIENT.fetch(repository, key_of(3))
    assert index is not None
    child = index.document["manifests"][0]["digest"]
    CLIENT.delete(repository, referrers_tag(index.digest))
    CLIENT.tag(repository, child, referrers_tag(index.digest))


def a_lease_of_the_future(repository: str) -> None:
    stock_lease(CLIENT, repository, key_of(3), 4e9)


@pytest.mark.parametrize(
    "plant",
    [
        an_index_with_an_untagged_quarantine,
        a_layer_without_a_size,
        a_quarantine_without_notes,
        a_circle_through_a_tag,
        a_lease_of_the_future,
    ],
)
def test_nothing_that_a_pull_request_plants_keeps_its_scope(space: Space, plant: Callable[[str], None]) -> None:
    plant(f"{space.host}/pr/17/app")
    space.gc("--closed", os.fspath(EVENT), "--apply")
    assert space.there() == EVERYTHING - OF_17


def test_a_scope_that_cannot_be_cleaned_keeps_no_other_one(space: Space, tmp_path: Path) -> None:
    """The registry answers nothing about one repository, and refuses to delete in another one."""
    listed = tmp_path / "ended"
    listed.write_text("1\n17\n18\n")
    with faulty(space.host) as proxy:

        def fault(line: str) -> Fault | None:
            is_lost = "/pr/1/app/tags" in line and "/cache/" not in line
            return Fault.FORBIDDEN if is_lost or line.startswith("DELETE /v2/cache/pr/17/app/") else None

        proxy.always = fault
        space.write(
            {
                "images.yaml": GRAPH.format(host=proxy.address),
                "policy.yaml": POLICY.format(host=proxy.address),
            }
        )
        run = space.planner("gc", "--scopes", "--closed", os.fspath(listed), "--apply")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert f"{proxy.address}/pr/1/app" in run.stderr
    assert f"{proxy.address}/cache/pr/17/app" in run.stderr
    assert "pr/18: the pull request ended" in run.stdout
    kept = {"pr/1/app", "cache/pr/17/app", "images/app", "release/app", "cache/main/app"}
    assert space.there() == kept


def test_of_ghcr_a_package_goes_of_which_nothing_stays(space: Space) -> None:
    """GitHub deletes the last version with a tag only together with the package."""
    pinned = CLIENT.digest_of(f"{space.host}/pr/18/app", key_of(4))
    space.write({"deploy.yaml": f"image: {space.host}/pr/18/app@{pinned}\n"})
    space.commit()
    places = [f"{space.host}/{place}/app" for place in ("pr/1", "pr/17", "pr/18", "cache/pr/1", "cache/pr/17")]
    packages = [Github(place, {}) for place in places]
    lost = f"sha256:{'7' * 64}"
    packages[1] = Github(places[1], {lost: 30.0})

    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if path.startswith(packages[0].package) and method == "DELETE":
            return 404, {"message": "Package not found."}
        found = [one(method, path, query) for one in packages if path.startswith(one.package)]
        return found[0] if found else (404, {"message": "Not Found"})

    listed = space.root.parent / "ended"
    listed.write_text("1\n17\n18\n")
    words = ("gc", "--scopes", "--closed", os.fspath(listed), "--registry-kind", "ghcr", "--apply")
    with running_api(answers) as api:
        run = space.planner(*words, GITHUB_API_URL=api.url)
    assert run.returncode == 1, "GitHub hides from a token what it may not delete"
    assert "1 of 5 repositories were not cleaned" in run.stderr
    assert f"{places[0]}: GitHub does not delete the package (status 404): Package not found." in run.stderr
    assert space.there() == EVERYTHING - OF_17 - {"cache/pr/1/app"}
    assert CLIENT.digest_of(places[2], str(pinned)) == pinned
    assert [line.partition("?")[0] for line in api.seen if line.startswith("DELETE") and "/versions" not in line] == [
        f"DELETE {packages[number].package}" for number in (3, 4, 0, 1)
    ]


def test_in_a_ci_whoever_may_not_write_a_scope_may_not_delete_there(space: Space, tmp_path: Path) -> None:
    for run in ("main", "pr/18", "fork/17", "release"):
        environment = environment_of(run, tmp_path)
        refused = space.planner("gc", "--scopes", "--closed", os.fspath(EVENT), "--apply", **environment)
        assert refused.returncode == 1, refused.stdout
        assert "refused: pr/17: a run of level" in refused.stderr
        scopes = space.gc("--closed", os.fspath(EVENT), **environment)["scopes"]
        assert [one["number"] for one in scopes if not one["refused"]] == ([18] if run == "pr/18" else [])
    assert space.there() == EVERYTHING
    space.gc("--closed", os.fspath(EVENT), "--apply", **environment_of("pr/17", tmp_path))
    assert space.there() == EVERYTHING - OF_17, "control: its own"


def test_gc_of_main_obeys_the_policy_too(space: Space, tmp_path: Path) -> None:
    for run in ("pr/17", "fork/17", "release"):
        refused = space.planner("gc", "--apply", **environment_of(run, tmp_path))
        assert refused.returncode == 1
        assert f"refused: gc of {space.host}/images" in refused.stderr
        assert space.planner("gc", **environment_of(run, tmp_path)).returncode == 0, "a plan removes nothing"
    assert space.planner("gc", "--apply", **environment_of("main", tmp_path)).returncode == 0, "control"


def test_nothing_goes_where_something_cannot_be_read(space: Space, tmp_path: Path) -> None:
    def refused(expected: str, *arguments: str, **environment: str) -> None:
        run = space.planner("gc", "--scopes", *arguments, "--apply", **environment)
        assert run.returncode in (1, 2), run.stdout
        assert expected in run.stderr
        assert "Traceback" not in run.stderr
        assert space.there() == EVERYTHING

    event = os.fspath(EVENT)
    other = tmp_path / "other.json"
    other.write_text(EVENT.read_text().replace("acme/images", "acme/other"))
    refused("which is not the policy's repository", "--closed", os.fspath(other))
    refused("cannot be read", "--closed", os.fspath(tmp_path / "none"))
    with running_api(lambda *_: (500, {"message": "no"})) as api:
        refused("status 500", "--closed", event, "--pull-requests", "api", GITHUB_API_URL=api.url)
    text = POLICY.format(host=space.host)
    space.write({"policy.yaml": text.replace("cache: cache/main,", "cache: cache/pr/17,")})
    refused("not apart from scope main", "--closed", event)
    space.write({"policy.yaml": text})
    refused("goes with neither", "--closed", event, "--max-bytes", "1GB")
