"""`planner gc --scopes` on a real registry: what pull requests left goes once they end; main's is never touched."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.registry.listing import listing
from planner.registry.quarantine import put_away
from tests.cli.cleaned_scopes import CLIENT, DAY, EVENT, EVERYTHING, OF_17, POLICY, Space, scopes_space
from tests.engine.engine import Engine
from tests.registry.apis import running_api
from tests.registry.stocked import key_of, stock, stock_lease
from tests.trust.runs import environment_of


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with scopes_space(tmp_path, engine) as made:
        yield made


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
