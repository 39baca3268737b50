"""The parsers of all that is read from outside, as functions of bytes that raise nothing but what they declare."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from planner.build.rawjson import Reading
from planner.digest import restored
from planner.digest.written import Unreadable
from planner.errors import PlannerError
from planner.local import journal
from planner.local.starlark import Starlark
from planner.model.image import ImageName
from planner.plan import labels, plan_file, record_file, relay_request
from planner.policy import policy_file, pull_requests
from planner.query import parse as query
from planner.registry import artefact
from planner.registry.client import read_json
from planner.sources import lock_file, pool_file, yaml_file
from planner.sources.dockerfile import instructions
from planner.sources.doors.bake import read as bake
from planner.sources.doors.compose import dotenv
from planner.sources.doors.compose import family as compose
from planner.sources.doors.door import Asked
from planner.sources.doors.starlark import family as starlark
from planner.sources.ignore_rules import IgnoreRules
from planner.sources.load import load
from tests.memory import MemoryTree

GRAPHS = Path(__file__).parents[2] / "graphs"
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
    """A parser: `read` raises `errors` and nothing else. `seeds` are inputs to begin with."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
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


def _registry_answer(data: bytes) -> object:
    document = read_json(data)
    if document is not None:
        artefact.read_time(document)
        artefact.index_of_referrers(document, b'{"artifactType": "a", "annotations": {}}')
        artefact.summary(document)
    return artefact.unpack(data, "r.example/x")


def _seed(*paths: str) -> tuple[bytes, ...]:
    return tuple(sorted(path.read_bytes() for pattern in paths for path in GRAPHS.glob(pattern)))


_LLB = (
    b"# syntax=docker/dockerfile:1\nARG A=1\nFROM --platform=$BUILDPLATFORM x:${A:-2} AS s\n"
    b"COPY --from=s --chmod=755 --exclude=*.md a* /b/\nRUN --mount=type=bind,from=s,target=/x <<E\ncat $A\nE\n"
    b'ENV A=1 B="c d"\nONBUILD ADD --checksum=sha256:00 http://x/y /z\nHEALTHCHECK --interval=5s CMD ["a"]\n'
)
_RAWJSON = (
    b'{"vertexes": [{"digest": "sha256:0", "name": "[1/2] COPY a /", "started": "2026-01-01T00:00:00Z", "completed": '
    b'"2026-01-01T00:00:01.5Z", "cached": true, "error": "x"}], "logs": [{"vertex": "sha256:0", "data": "YQ=="}]}'
)
_JSON_PLAN = (
    b'{"version": 1, "against": "HEAD", "images": [{"name": "a", "action": "build", "key": "x3-0", "level": 0, '
    b'"reasons": [{"code": "file-changed", "subject": "a", "detail": "b", "file": "c", "line": 1}], '
    b'"parents": []}], "warnings": []}'
)
_LOCK = (
    b'{"version": 1, "images": {"docker.io/library/ubuntu:22.04": {"digest": "sha256:'
    + b"0" * 64
    + b'", "platforms": {"linux/amd64": '
    b'{"digest": "sha256:' + b"1" * 64 + b'", "env": ["A=b"], "workdir": "/", "user": "", "shell": [], '
    b'"onbuild": ["RUN x"]}}}}}'
)
_HCL = (
    b'variable "T" { default = "a" }\nfunction "f" {\n params = [x]\n result = upper(x)\n}\n'
    b'target "a" {\n context = "."\n args = { X = "${f(T)}" }\n matrix = { m = ["1", "2"] }\n name = "a-${m}"\n}\n'
    b'group "default" { targets = ["a"] }\n'
)
_COMPOSE = (
    b"services:\n  a: &x\n    image: r/a:${T:-1}\n    build:\n      context: .\n      args: {X: '1'}\n"
    b"  b:\n    <<: *x\n    extends: {service: a}\n"
)

_STAR = b'def f(n):\n    return [n + str(i) for i in range(3)]\n\n[image(name = n, context = ".") for n in f("a")]\n'

TARGETS: Mapping[str, Target] = {
    "dockerfile": Target(read=_dockerfile, seeds=(_LLB, *_seed("**/*Dockerfile"))),
    "ignore": Target(read=_ignore, seeds=(b"*.md\n!docs/**/a?[b-c]\n# x\n/y/ \n", *_seed("**/.dockerignore"))),
    "yaml": Target(
        read=lambda data: yaml_file.read(data, "images.yaml", {"A": "1"}, {}), seeds=_seed("**/images.yaml")
    ),
    "lock": Target(read=lock_file.read, seeds=(_LOCK,)),
    "bake": Target(read=_bake("docker-bake.hcl"), seeds=(_HCL,)),
    "bake-json": Target(read=_bake("docker-bake.json"), seeds=(b'{"target": {"a": {"args": {"X": "${1 + 2}"}}}}',)),
    "compose": Target(read=_compose, seeds=(_COMPOSE,)),
    "dotenv": Target(
        read=lambda data: dotenv.read(data, ".env", {}, {}.get), seeds=(b"A=1\nexport B='x y'\nC=\"${A:-2}\"\n# c\n",)
    ),
    "starlark": Target(read=_starlark, seeds=(_STAR, *_seed("**/images.star"))),
    "query": Target(
        read=lambda data: query.parse(data.decode("utf-8", "replace")),
        seeds=(b"deps(//..., 2) except kind('cuda', rdeps(a, b)) ^ set(x y)", b"let v = a in $v + somepath(b, c)"),
    ),
    "plan": Target(read=lambda data: plan_file.read(data, "plan.json"), seeds=(_JSON_PLAN,)),
    "record": Target(
        read=lambda data: record_file.read(data, "r.example/x"), seeds=(b'{"version": 1}',), errors=(Unreadable,)
    ),
    "facts": Target(
        read=lambda data: restored.read(data.decode("utf-8", "replace")), seeds=(b"[]", b"{}"), errors=(Unreadable,)
    ),
    "journal": Target(
        read=lambda data: journal.runs(data.decode("utf-8", "replace").splitlines()),
        seeds=(b'{"event": "run", "at": 1.5, "all": false, "images": ["a"]}\n{"event": "end"}\n',),
        errors=(),
    ),
    "rawjson": Target(read=_rawjson, seeds=(_RAWJSON,), errors=()),
    "registry": Target(
        read=_registry_answer,
        seeds=(b'{"schemaVersion": 2, "artifactType": "a", "annotations": {}, "layers": [], "subject": {}}',),
        errors=(Unreadable,),
    ),
    "policy": Target(read=lambda data: policy_file.read(data, "policy.yaml"), seeds=_seed("**/policy.yaml")),
    "pool": Target(
        read=lambda data: pool_file.read(data, "pool.yaml"),
        seeds=(b"version: 1\nbuilders:\n  a: {address: 'tcp://x:1', platforms: [linux/amd64], weight: 2}\n",),
    ),
    "labels": Target(read=lambda data: labels.read(data, "labels.json"), seeds=(b'{"version": 1, "commits": []}',)),
    "relay": Target(read=relay_request.read, seeds=(b'{"version": 1, "images": []}',)),
    "pull-requests": Target(
        read=lambda data: pull_requests.read(data.decode("utf-8", "replace")),
        seeds=(b'[{"number": 1, "state": "open"}]', b"1\n2\n"),
        errors=(pull_requests.Unknown,),
    ),
}
