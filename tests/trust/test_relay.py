"""A relay whole: an untrusted runner without credential or engine, a trusted one, a real registry and BuildKit.

The untrusted runner sees the registry through an address that takes no writes, as somebody without a login would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from planner.model.build import Record, Store, Stored
from planner.model.image import ImageName
from planner.policy.scopes import Scope
from planner.registry.client import HttpRegistry
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.trust.seal import seal_of
from tests.cli.test_documents import check
from tests.engine.engine import Engine
from tests.engine.registry import Registry, running_registry
from tests.policy.test_relay import HOME, LABELLED, RUN
from tests.policy.test_relay import changed as changed_event
from tests.trust.pushing import Client
from tests.trust.sealing import MAIN, PR, Forger, pem, section, signing
from tests.workspace import IDENTITY, Workspace

POLICY = """\
version: 1
repositories: {{github: {{name: acme/images, id: 4711, owner: 42}}}}
registries: {{cache: {{address: "{address}", isolation: path}}}}
scopes:
  main:
    {{registry: cache, cache: {path}/cache, images: {path}/images, write: [trusted], read: [release, trusted, pr, untrusted]}}
  pr: {{registry: cache, cache: "{path}/pc/{{number}}", images: "{path}/pr/{{number}}", write: [], read: [pr]}}
relay: {{images: 2}}
"""  # noqa: E501
PLANNER = [sys.executable, "-m", "planner.cli.start"]


def files(prefix: str) -> dict[str, str]:
    return {
        "images.yaml": f"""\
version: 1
registry: {prefix}/images
keys: {{algorithm: sha256}}
images:
  base: {{dockerfile: base.Dockerfile}}
  app: {{dockerfile: app.Dockerfile}}
  more: {{dockerfile: more.Dockerfile}}
""",
        "base.Dockerfile": "FROM scratch\nCOPY base.txt /\n",
        "app.Dockerfile": f"FROM {prefix}/images/base\nCOPY app.txt /\n",
        "more.Dockerfile": f"FROM {prefix}/images/app\nCOPY more.txt /\n",
        **{f"{name}.txt": f"{name}\n" for name in ("base", "app", "more")},
    }


@dataclass
class Sides:
    """`origin` has main and a pull request's ref; `trusted` is a clone of main, `untrusted` one of the pull request."""

    engine: Engine
    prefix: str
    origin: Workspace
    trusted: Workspace
    untrusted: Workspace
    reading: Registry
    folder: Path

    @property
    def path(self) -> str:
        return self.prefix.partition("/")[2]

    def propose(self, **edits: str) -> str:
        """Commit to the pull request, and let the origin know it; the commit."""
        self.untrusted.write({path.replace("__", "."): text for path, text in edits.items()})
        self.untrusted.commit()
        self.untrusted.git("push", "-q", "-f", "origin", "HEAD:refs/pull/17/head")
        return self.untrusted.git("rev-parse", "HEAD").strip()

    def ask(self, *words: str, **environment: str) -> dict[str, Any]:
        run = self.outside("relay", "ask", *words, "--number", "17", **environment)
        assert run.returncode == 0, run.stderr
        found: dict[str, Any] = json.loads(run.stdout)
        check("relay-request", found)
        return found

    def outside(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The untrusted runner: git and nothing else, no engine, no login."""
        argv = [*PLANNER, "-C", os.fspath(self.untrusted.root), *words]
        path = {"PATH": os.defpath, "HOME": os.fspath(self.folder), "NO_COLOR": "1"}
        return subprocess.run(
            argv, env={**path, **IDENTITY, **environment}, capture_output=True, text=True, check=False
        )

    def serve(
        self, request: dict[str, Any], event: str = "pull_request_target", payload: Any = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The trusted runner, started by an event."""
        (self.folder / "event.json").write_text(json.dumps(labelled(request) if payload is None else payload))
        (self.folder / "request.json").write_text(json.dumps(request))
        return self.trusted.planner(
            "relay", "serve", os.fspath(self.folder / "request.json"), "--format", "json",
            **{
                **self.engine.environment,
                "PLANNER_BUILDERS": os.fspath(self.folder / "notes"),
                "PLANNER_SIGNING_KEY": pem(PR),
                "GITHUB_EVENT_NAME": event,
                "GITHUB_EVENT_PATH": os.fspath(self.folder / "event.json"),
                **environment,
            },
        )  # fmt: skip

    def pull(self, request: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
        """The untrusted runner again, through the address that takes no writes."""
        policy = (self.trusted.root / "policy.yaml").read_text()
        there = self.folder / "policy-outside.yaml"
        there.write_text(policy.replace(self.engine.registry.address, self.reading.address))
        (self.folder / "request.json").write_text(json.dumps(request))
        file = os.fspath(self.folder / "request.json")
        return self.outside("relay", "pull", file, "--policy", os.fspath(there), *words)


def labelled(request: dict[str, Any]) -> dict[str, Any]:
    return changed_event(LABELLED, "pull_request.head.sha", request["commit"])


@pytest.fixture(scope="session")
def reading(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The engine's registry again, at an address that takes no writes."""
    storage = {
        "filesystem": {"rootdirectory": os.fspath(engine.registry.log.parent / "storage")},
        "maintenance": {"readonly": {"enabled": True}},
    }
    folder = tmp_path_factory.mktemp("reading") / "registry"
    with running_registry(engine.programs / "registry", folder, settings={"storage": storage}) as running:
        yield running


@pytest.fixture
def sides(engine: Engine, reading: Registry, tmp_path: Path) -> Sides:
    path = f"r-{tmp_path.name.replace('_', '-').lower()[-30:]}"
    prefix = f"{engine.registry.address}/{path}"
    origin = Workspace(tmp_path / "origin")
    rule = POLICY.format(address=engine.registry.address, path=path)
    keys = section().replace("signing:", "signing:\n  require: [main, release, pr]")
    origin.write({**files(prefix), "policy.yaml": rule + keys})
    origin.commit()
    clones = []
    for name in ("trusted", "untrusted"):
        origin.git("clone", "-q", os.fspath(origin.root), os.fspath(tmp_path / name))
        clones.append(Workspace(tmp_path / name, init=False))
    return Sides(engine, prefix, origin, *clones, reading, tmp_path)


def published(sides: Sides) -> dict[str, str]:
    """What main publishes; the digests."""
    run = sides.trusted.planner(
        "build", "--push", "--format", "json", "--state", os.fspath(sides.folder / "main"),
        PLANNER_SIGNING_KEY=pem(MAIN), **sides.engine.environment,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return {image["name"]: image["digest"] for image in json.loads(run.stdout)["images"]}


def tags(sides: Sides, place: str) -> dict[str, str | None]:
    """What all tags of the three images name below a place."""
    registry = HttpRegistry()
    return {
        f"{name}:{tag}": registry.digest_of(f"{sides.prefix}/{place}/{name}", tag)
        for name in ("base", "app", "more")
        for tag in sides.engine.registry.tags(f"{sides.path}/{place}/{name}")
    }


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


def refused(sides: Sides, request: dict[str, Any], *words: str, **more: Any) -> None:
    run = sides.serve(request, **more)
    assert run.returncode == 1, run.stdout
    for word in ("refused", *words):
        assert word in run.stderr
    assert "Traceback" not in run.stderr
    assert tags(sides, "pr/17") == {}, "nothing was written"


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


def test_what_the_commit_does_not_have_is_not_built(sides: Sides) -> None:
    sides.propose(base__txt="edited\n")
    request = sides.ask("base")
    image = request["images"][0]
    for changed, told in (
        ({"key": "s2-" + "0" * 64}, f"its key is {image['key']}"),
        ({"name": "other"}, "the commit has no such image"),
        ({"platforms": ["linux/s390x"]}, "the commit builds it for linux/amd64"),
    ):
        refused(sides, {**request, "images": [{**image, **changed}]}, told)
    assert sides.serve(request).returncode == 0, "control"


def test_more_than_the_policy_allows_is_not_built(sides: Sides) -> None:
    sides.propose(base__txt="edited\n")
    refused(sides, sides.ask(), "3 images would be built, and relay.images is 2")
    assert sides.serve(sides.ask("base", "app")).returncode == 0, "control"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("secrets: [id=token]", "asks for secrets"),
        ("ssh: [default]", "asks for ssh"),
        ("network: host", "asks for network host"),
    ],
)
def test_nothing_is_built_with_what_a_pull_request_does_not_get(sides: Sides, declared: str, told: str) -> None:
    """Also where it is a parent of what is asked for."""
    text = files(sides.prefix)["images.yaml"]
    sides.propose(
        images__yaml=text.replace("{dockerfile: base.Dockerfile}", f"{{dockerfile: base.Dockerfile, {declared}}}")
    )
    refused(sides, sides.ask("app"), f"base: {told}")


def test_another_pull_requests_images_are_not_read(sides: Sides) -> None:
    name = f"{sides.prefix}/pr/18/secret:latest"
    assert Client(sides.engine.registry).image(f"{sides.path}/pr/18/secret", "latest") == 201
    sides.propose(base__Dockerfile=f"FROM {name}\nCOPY base.txt /\n")
    refused(sides, sides.ask("base"), "which a pull request may not")


def test_tags_and_registry_of_a_pull_requests_graph_do_not_leave_its_scope(sides: Sides) -> None:
    published(sides)
    before = tags(sides, "images")
    text = files(sides.prefix)["images.yaml"]
    evil = (
        f"{{dockerfile: base.Dockerfile, tags: ['{sides.prefix}/images/base:v1', '{sides.prefix}/images/app:latest']}}"
    )
    text = text.replace("{dockerfile: base.Dockerfile}", evil).replace("app: {dockerfile: app.Dockerfile}", "")
    text = text.replace("more: {dockerfile: more.Dockerfile}", "")
    sides.propose(images__yaml=text, base__txt="edited\n")
    run = sides.serve(sides.ask("base"))
    assert run.returncode == 0, run.stderr
    assert tags(sides, "images") == before
    assert "base:latest" in tags(sides, "pr/17"), "control: its own tags are given"


def test_variables_of_the_trusted_run_do_not_get_into_images(sides: Sides) -> None:
    """A graph file may ask for any variable; here there is none, so that keys are the same on both sides."""
    text = files(sides.prefix)["images.yaml"].replace("images:\n", "variables: {SOME_VALUE: none}\nimages:\n", 1)
    asking = "{dockerfile: base.Dockerfile, args: {LEAK: '${SOME_VALUE}'}}"
    text = text.replace("{dockerfile: base.Dockerfile}", asking)
    sides.propose(images__yaml=text, base__Dockerfile="FROM scratch\nARG LEAK\nCOPY base.txt /${LEAK}.txt\n")
    request = sides.ask("base")
    assert request == sides.ask("base", SOME_VALUE="hunter2")
    with_it, without = (sides.outside("key", "base", **one).stdout for one in ({"SOME_VALUE": "hunter2"}, {}))
    assert with_it != without, "control: other commands do read it"
    run = sides.serve(request, SOME_VALUE="hunter2")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["images"][0]["key"] == request["images"][0]["key"]


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
