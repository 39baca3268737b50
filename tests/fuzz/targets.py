"""The parsers of all that is read from outside, as functions of bytes that raise nothing but what they declare."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from planner.build.rawjson import Reading
from planner.digest import restored, written
from planner.digest.written import Unreadable
from planner.errors import PlannerError
from planner.local import journal
from planner.local.starlark import Starlark
from planner.model.image import ImageName
from planner.model.lock import Lock
from planner.model.names import Reference
from planner.plan import labels, plan_file, record_file, relay_request
from planner.policy import policy_file, pull_requests, workflow_lint
from planner.policy.claims import run_of
from planner.policy.grants import asked
from planner.policy.levels import judge
from planner.query.evaluate import answer
from planner.registry import artefact, whole
from planner.registry.client import Fetched, HttpRegistry, read_json
from planner.registry.inspect import inspect
from planner.sources import lock_file, pool_file, yaml_file
from planner.sources.dockerfile import instructions
from planner.sources.doors.bake import read as bake
from planner.sources.doors.compose import dotenv
from planner.sources.doors.compose import family as compose
from planner.sources.doors.door import Asked
from planner.sources.doors.starlark import family as starlark
from planner.sources.ignore_rules import IgnoreRules
from planner.sources.load import load
from planner.sources.proposal import command_lines, documents
from planner.trust import dsse, identity_token, key_sets
from planner.trust.identity_token import Verifier
from tests.fuzz import forms, seeds
from tests.fuzz.forms import Change
from tests.fuzz.seeds import ARTEFACTS, from_graphs, of, words_of
from tests.memory import MemoryTree
from tests.policy.policies import SOUND
from tests.query.test_table import FAMILY

POLICY = policy_file.read(SOUND.encode(), "policy.yaml")
WORLD = dataclasses.replace(FAMILY, affected=lambda revision: FAMILY.affected("HEAD~1"))
ONE = "version: 1\nregistry: r.example/x\nimages:\n  a: {context: .}\n"


class BytesTree(MemoryTree):
    """Files whose text may be any bytes (`surrogateescape`)."""

    def _bytes(self, text: str) -> bytes:
        return text.removeprefix("->").encode("utf-8", "surrogateescape")


def tree(**files: bytes) -> BytesTree:
    """A tree of files whose names have `_` for dots."""
    return BytesTree({name.replace("_", "."): data.decode("utf-8", "surrogateescape") for name, data in files.items()})


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A parser: `read` raises `errors` and nothing else. `seeds` begin, `change` keeps their form."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    change: Change
    errors: tuple[type[Exception], ...] = (PlannerError,)


def _dockerfile(data: bytes) -> object:
    """To the steps of an image, so that expansion and flags are met too."""
    instructions.parse(data, "Dockerfile")
    family = yaml_file.read(ONE.encode(), "images.yaml", {}, {})
    return load(family, tree(Dockerfile=data))


def _ignore(data: bytes) -> object:
    rules = IgnoreRules.parse(data, ".dockerignore")
    return [rules.ignores(path) for path in ("a", "a/b", "x.md", "docs/x/y", ".git")]


def _bake(name: str) -> Callable[[bytes], object]:
    return lambda data: bake.read([name], tree(**{name.replace(".", "_"): data}), {}, variables={}, sets=(), say=_quiet)


def _compose(data: bytes) -> object:
    return compose.read(["compose.yaml"], tree(compose_yaml=data), {})


def _starlark(data: bytes) -> object:
    asked = Asked(environment={}, say=_quiet, starlark=Starlark())
    return starlark.read("images.star", tree(images_star=data), asked)


def _quiet(_: str) -> None:
    """Say nothing."""


def _rawjson(data: bytes) -> object:
    """What an engine tells of a build: what cannot be read is passed over."""
    reading = Reading(ImageName("a"))
    news = [one for line in data.decode("utf-8", "replace").splitlines() for one in reading.line(line)]
    return news, reading.steps(), list(reading.cache_troubles()), reading.failure(1)


def _plan(data: bytes) -> object:
    """A plan that is read says the same when it is written and read again."""
    plan = plan_file.read(data, "plan.json")
    again = json.dumps(plan_file.document(plan)).encode()
    assert plan_file.read(again, "plan.json") == plan
    return plan


def _query(data: bytes) -> object:
    """What an expression names in a family of nine images, with few steps, so that their limit is met too."""
    return answer(data.decode("utf-8", "replace"), WORLD, limit=20_000)


def _lock(data: bytes) -> object:
    lock = lock_file.read(data)
    assert lock_file.read(lock_file.write(lock).encode("utf-8", "surrogatepass")) == lock
    return lock


def _record(data: bytes) -> object:
    record = record_file.read(data, "r.example/x")
    assert record_file.read(record_file.write(record), "r.example/x") == record
    return [manifest.manifest.inputs for manifest in written.read(record.manifests)]


def _relay(data: bytes) -> object:
    request = relay_request.read(data)
    assert relay_request.read(relay_request.write(request).encode()) == request
    return request


def _artefact(data: bytes) -> object:
    """What a registry answers about records, and what is attached to an image."""
    document = read_json(data)
    if document is None:
        return None
    artefact.read_time(document)
    artefact.index_of_referrers(document, ARTEFACTS[0])
    for look in (whole.children, whole.blobs):
        with contextlib.suppress(PlannerError):
            look(document)
    return artefact.summary(document), dsse.read(artefact.summary(document).signature)


class _OneDocument:
    """A registry that answers everything with the same document."""

    def __init__(self, document: Mapping[str, Any], data: bytes) -> None:
        self.document, self.data = document, data

    def fetch(self, repository: str, reference: str) -> Fetched:
        return Fetched(digest="sha256:" + "0" * 64, media_type="", body=self.data, document=self.document)

    def blob(self, repository: str, digest: str, limit: int) -> bytes:
        return self.data


def _image_config(data: bytes) -> object:
    """What a lock keeps of a base image, whose manifest and configuration are this."""
    document = read_json(data)
    if document is None:
        return None
    registry = cast(HttpRegistry, _OneDocument(document, data))
    found = inspect(registry, Reference.parse("r.example/x:1"), ("linux/amd64", "linux/arm64/v8"))
    lock = Lock(images={"r.example/x:1": found})
    assert lock_file.read(lock_file.write(lock).encode("utf-8", "surrogatepass")).images == lock.images
    return found


def _claims(data: bytes) -> object:
    """The claims of a token whose signature holds, by each provider, and what a scope asks for."""
    claims = read_json(data)
    if claims is None:
        return asked(data.decode("utf-8", "replace"))
    return [judge(run_of(provider, claims, POLICY.identity)) for provider in ("github", "gitlab")]


def _token(data: bytes) -> object:
    """An identity token as it comes in a request."""
    verifier = Verifier(issuers={"i": ("github", _NoKeys())}, audience="a", clock=lambda: 2e9)
    return verifier.verify(data.decode("utf-8", "replace"))


class _NoKeys:
    """Keys of which none is known."""

    def find(self, kid: str) -> None:
        return None

    at_hand = find


def _proposal(data: bytes) -> object:
    """What `init` reads: Compose files, Bake's JSON, workflows, and commands in scripts."""
    found: list[object] = []
    for read in PROPOSALS:
        with contextlib.suppress(PlannerError):
            found += read(data)
    return found


PROPOSALS: tuple[Callable[[bytes], Iterable[object]], ...] = (
    lambda data: documents.compose_file(data, "a/compose.yaml"),
    lambda data: documents.workflow(data, ".github/workflows/a.yml"),
    lambda data: documents.bake_json(data, "docker-bake.json", lambda path: True),
    lambda data: command_lines.builds(data.decode("utf-8", "replace"), "Makefile", "."),
)

TARGETS: Mapping[str, Target] = {
    "dockerfile": Target(
        read=_dockerfile, seeds=(*of("dockerfile"), *from_graphs("**/*Dockerfile")), change=words_of("dockerfile")
    ),
    "ignore": Target(read=_ignore, seeds=(*of("ignore"), *from_graphs("**/.dockerignore")), change=words_of("ignore")),
    "yaml": Target(
        read=lambda data: yaml_file.read(data, "images.yaml", {"A": "1"}, {}),
        seeds=(seeds.FAMILY["images.yaml"].encode(), *from_graphs("**/images.yaml")),
        change=forms.as_yaml,
    ),
    "lock": Target(read=_lock, seeds=seeds.LOCKS, change=forms.as_json),
    "bake": Target(
        read=_bake("docker-bake.hcl"), seeds=(*of("bake"), *from_graphs("**/docker-bake.hcl")), change=words_of("bake")
    ),
    "bake-json": Target(read=_bake("docker-bake.json"), seeds=seeds.BAKE_JSON, change=forms.as_json),
    "compose": Target(read=_compose, seeds=of("compose"), change=forms.as_yaml),
    "dotenv": Target(
        read=lambda data: dotenv.read(data, ".env", {}, {}.get), seeds=of("dotenv"), change=words_of("dotenv")
    ),
    "starlark": Target(
        read=_starlark, seeds=(*of("starlark"), *from_graphs("**/images.star")), change=words_of("starlark")
    ),
    "query": Target(read=_query, seeds=of("query"), change=words_of("query")),
    "plan": Target(read=_plan, seeds=seeds.PLANS, change=forms.as_json),
    "record": Target(read=_record, seeds=seeds.RECORDS, change=forms.as_json, errors=(Unreadable,)),
    "facts": Target(
        read=lambda data: restored.read(data.decode("utf-8", "replace")),
        seeds=seeds.FACTS,
        change=forms.as_lines,
        errors=(Unreadable,),
    ),
    "journal": Target(
        read=lambda data: journal.runs(data.decode("utf-8", "replace").splitlines()),
        seeds=(seeds.JOURNAL,),
        change=forms.as_lines,
        errors=(),
    ),
    "rawjson": Target(
        read=_rawjson,
        seeds=(*of("rawjson"), *seeds.recorded("build/recorded/*.jsonl")),
        change=forms.as_lines,
        errors=(),
    ),
    "layer": Target(
        read=lambda data: artefact.unpack(data, "r.example/x"),
        seeds=seeds.LAYERS,
        change=forms.as_packed,
        errors=(Unreadable,),
    ),
    "registry": Target(read=_artefact, seeds=seeds.ARTEFACTS, change=forms.as_json, errors=(Unreadable,)),
    "image-config": Target(read=_image_config, seeds=seeds.IMAGE_CONFIGS, change=forms.as_json),
    "token": Target(read=_token, seeds=seeds.TOKENS, change=seeds.TOKEN_WORDS, errors=(identity_token.Refused,)),
    "claims": Target(read=_claims, seeds=seeds.CLAIMS, change=forms.as_json),
    "key-set": Target(read=key_sets.read_keys, seeds=seeds.KEY_SETS, change=forms.as_json),
    "policy": Target(
        read=lambda data: policy_file.read(data, "policy.yaml"),
        seeds=(SOUND.encode(), *from_graphs("**/policy.yaml")),
        change=forms.as_yaml,
    ),
    "workflow": Target(read=lambda data: workflow_lint.lint(data, "a.yml"), seeds=of("workflow"), change=forms.as_yaml),
    "proposal": Target(
        read=_proposal,
        seeds=(*of("workflow"), *of("compose"), *seeds.BAKE_JSON, *of("script")),
        change=forms.as_yaml,
        errors=(),
    ),
    "pool": Target(read=lambda data: pool_file.read(data, "pool.yaml"), seeds=of("pool"), change=forms.as_yaml),
    "labels": Target(read=lambda data: labels.read(data, "labels.json"), seeds=seeds.LABELS, change=forms.as_json),
    "relay": Target(read=_relay, seeds=seeds.RELAY, change=forms.as_json),
    "pull-requests": Target(
        read=lambda data: pull_requests.read(data.decode("utf-8", "replace"), POLICY.identity),
        seeds=seeds.PULL_REQUESTS,
        change=forms.as_json,
        errors=(pull_requests.Unknown,),
    ),
}
