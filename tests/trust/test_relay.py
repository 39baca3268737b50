"""A relay whole, from the question to the pulled image, and who has to approve it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from planner.model.build import Record, Store, Stored
from planner.model.image import ImageName
from planner.policy.scopes import Scope
from planner.registry.client import HttpRegistry
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.trust.seal import seal_of
from tests.cli.test_documents import check
from tests.policy.test_relay import HOME, LABELLED, RUN
from tests.policy.test_relay import changed as changed_event
from tests.trust.pushing import Client
from tests.trust.relaying import Sides, labelled, published, refused, tags
from tests.trust.sealing import MAIN, PR, Forger, pem, signing


def test_a_relay_from_the_question_to_the_pulled_image(sides: Sides, tmp_path: Path) -> None:
    main = published(sides)
    before = tags(sides, "images")
    sides.propose(app__txt="edited\n")
    request = sides.ask("app", "base")
    refused = sides.pull(request)
    assert refused.returncode == 1
    assert "these images are not there, or not signed" in refused.stderr
    assert "base" not in refused.stderr, "main has it"

    run = sides.serve(request)
    assert run.returncode == 0, run.stderr
    check("build", json.loads(run.stdout))
    served = {image["name"]: image for image in json.loads(run.stdout)["images"]}
    assert {name: image["outcome"] for name, image in served.items()} == {"base": "reused", "app": "built"}
    assert "ann gave it the label build-images" in run.stderr
    assert served["app"]["digest"] != main["app"]

    into = tmp_path / "layout"
    pulled = sides.pull(request, "--into", os.fspath(into), "--format", "json")
    assert pulled.returncode == 0, pulled.stderr
    check("relay-pull", json.loads(pulled.stdout))
    images = {image["name"]: image for image in json.loads(pulled.stdout)["images"]}
    address = sides.reading.address
    assert images["app"]["repository"] == f"{address}/{sides.path}/pr/17/app"
    assert images["base"]["repository"] == f"{address}/{sides.path}/images/base"
    assert {name: image["digest"] for name, image in images.items()} == {
        "app": served["app"]["digest"],
        "base": main["base"],
    }
    index = json.loads((into / "index.json").read_text())
    assert {entry["digest"] for entry in index["manifests"]} == {image["digest"] for image in images.values()}

    assert tags(sides, "images") == before, "nothing of main's was written"
    assert sides.trusted.git("status", "--porcelain") == ""
    assert (sides.trusted.root / "app.txt").read_text() == "app\n", "nothing was checked out"
    assert Client(sides.reading).image(f"{sides.path}/pr/17/app", "x") == 405, "control: it takes no writes"
    again = sides.serve(request)
    assert [image["outcome"] for image in json.loads(again.stdout)["images"]] == ["reused", "reused"], again.stderr


def test_a_run_from_within_needs_no_label(sides: Sides) -> None:
    commit = sides.propose(base__txt="edited\n")
    request = sides.ask("base")
    run = sides.serve(request, "workflow_run", changed_event(RUN, "workflow_run.head_sha", commit))
    assert run.returncode == 0, run.stderr
    fork = changed_event(changed_event(RUN, "workflow_run.head_sha", commit), "workflow_run.head_repository.id", 9)
    assert "a fork's, which need the label" in sides.serve(request, "workflow_run", fork).stderr
    by_hand = sides.trusted.planner("relay", "serve", os.fspath(sides.folder / "request.json"), "--approve", "1" * 40)
    assert "--approve names 1111" in by_hand.stderr


def test_what_nobody_approved_is_not_built(sides: Sides) -> None:
    sides.propose(base__txt="edited\n")
    request = sides.ask("base")
    refused(sides, request, "event push approves nothing", event="push")
    refused(sides, request, "approves nothing", event="")
    refused(sides, request, "to another commit", payload=LABELLED)
    refused(sides, request, "another repository", payload={**labelled(request), "repository": {**HOME, "id": 1}})
    before = request["commit"]
    sides.propose(base__txt="swapped after the label\n")
    refused(sides, request, f"and {before} is asked for")
    assert sides.serve(sides.ask("base")).returncode == 0, "control"


def test_without_the_key_of_pull_requests_nothing_is_built(sides: Sides) -> None:
    sides.propose(base__txt="edited\n")
    request = sides.ask("base")
    run = sides.serve(request, PLANNER_SIGNING_KEY="")
    assert "records of pr/17 must be signed, and this run has no key" in run.stderr
    run = sides.serve(request, PLANNER_SIGNING_KEY=pem(MAIN))
    assert "signs nothing for pr/17" in run.stderr
    assert sides.serve(request).returncode == 0, "control"


@pytest.mark.parametrize("who", ["nobody", "the relay, for another pull request", "main, for main"])
def test_what_the_relay_did_not_sign_is_not_pulled(sides: Sides, who: str, tmp_path: Path) -> None:
    sides.propose(base__txt="edited\n")
    request = sides.ask("base")
    key = request["images"][0]["key"]
    place = f"{sides.prefix}/pr/17/base"
    assert Client(sides.engine.registry).image(f"{sides.path}/pr/17/base", key, b"evil") == 201
    digest = HttpRegistry().digest_of(place, key)
    assert digest is not None
    made = Record(
        image=ImageName("base"), platforms=("linux/amd64",), key=key, resolved_key=key,
        stored=Stored(store=Store.REGISTRY, digest=digest, repository=place),
        built_at=1.0, seconds=1.0, manifests="",
    )  # fmt: skip
    seals = {
        "nobody": Forger(lambda said: ""),
        "the relay, for another pull request": seal_of(signing(), Scope(kind="pr", number=18), PR),
        "main, for main": seal_of(signing(), Scope(kind="main"), MAIN),
    }
    right = seal_of(signing(), Scope(kind="pr", number=17), PR)
    for seal, status in ((seals[who], 1), (right, 0)):
        snapshot = Snapshot(tmp_path / f"forger-{status}")
        PublishedRecords(HttpRegistry(), f"{sides.prefix}/pr/17", snapshot, seal).add(made)
        pulled = sides.pull(request)
        assert pulled.returncode == status, "control: the right signature" if status == 0 else "the attack"
    assert digest in pulled.stdout
