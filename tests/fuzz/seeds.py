"""What fuzzing begins with: documents as the planner itself writes them, recorded answers, and texts of languages."""

from __future__ import annotations

import ast
import base64
import json
from pathlib import Path

from planner.digest import kept, written
from planner.digest.key import Keys, keys_of
from planner.digest.trace import Traced
from planner.model.build import Record, StepTime, Store, Stored
from planner.model.image import ImageName
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.plan import plan_file, record_file, relay_request
from planner.plan.baseline import lister, of_keys
from planner.plan.rebuild import plan
from planner.registry import artefact
from planner.registry.client import Fetched
from planner.sources import lock_file, yaml_file
from planner.sources.load import load
from tests.fuzz.forms import Change, words
from tests.memory import MemoryTree

_HERE = Path(__file__).parent
_TESTS = _HERE.parent
_GRAPHS = _TESTS.parent / "graphs"
# A point of P-256 (NIST SP 800-186): its generator.
_X = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY"
_Y = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
FAMILY = {
    "images.yaml": "version: 1\nregistry: r.example/x\nimages:\n  base: {context: .}\n  app:\n    context: app\n"
    "    args: {A: '1'}\n    platforms: [linux/amd64, linux/arm64]\n    labels: {l: v}\n    tags: [a]\n",
    "Dockerfile": "FROM ubuntu:22.04\nCOPY a* /a/\nRUN --mount=type=bind,source=b,target=/b true\n",
    "app/Dockerfile": "FROM r.example/x/base\nARG A\nRUN echo $A\nCOPY . /app\n",
    "a": "a\n",
    "b": "b\n",
    "app/c": "c\n",
}
_DIGEST = "sha256:" + "0" * 64
_PLATFORM = LockedPlatform(  # noqa: S604
    digest=_DIGEST,
    env=(("A", "b"),),
    workdir="/",
    user="u",
    shell=("sh", "-c"),
    onbuild=("RUN x",),
)
LOCK = Lock(
    images={
        "docker.io/library/ubuntu:22.04": LockedImage(
            digest=_DIGEST,
            platforms=dict.fromkeys(("linux/amd64", "linux/arm64"), _PLATFORM),
        )
    },
    frontends={"docker/dockerfile:1": _DIGEST},
    sources={"https://x.example/y": _DIGEST},
)


def from_graphs(*patterns: str) -> tuple[bytes, ...]:
    """The files of the example families."""
    return tuple(sorted(path.read_bytes() for pattern in patterns for path in _GRAPHS.glob(pattern)))


def of(name: str) -> tuple[bytes, ...]:
    """Texts to begin with, written for this."""
    return tuple(path.read_bytes() for path in sorted((_HERE / "texts" / name).iterdir()))


def words_of(name: str) -> Change:
    """Changes by the words of a language, which are kept in libFuzzer's format of dictionaries."""
    lines = (_HERE / "words" / f"{name}.dict").read_text().splitlines()
    return words(*(ast.literal_eval(f"b{line}") for line in lines if line.startswith('"')))


def recorded(pattern: str) -> tuple[bytes, ...]:
    """Answers that were recorded for other tests."""
    return tuple(path.read_bytes() for path in sorted(_TESTS.glob(pattern)))


def _keys(**more: str) -> Keys:
    tree = MemoryTree({**FAMILY, **{name.replace("_", "/"): text for name, text in more.items()}})
    loaded = load(yaml_file.read(FAMILY["images.yaml"].encode(), "images.yaml", {}, {}), tree)
    return keys_of(loaded, tree, definition=Traced(tree).taken())


KEYS = _keys()
_GRAPH = KEYS.made_by.loaded.graph
_EDITED = plan(_GRAPH, KEYS, of_keys(_keys(app_c="d\n")), against="HEAD", wanted=_GRAPH.order)
_NEW = plan(_GRAPH, KEYS, {}, against="records", wanted=_GRAPH.order, everything=True)
RECORD = Record(
    image=ImageName("app"),
    platforms=("linux/amd64", "linux/arm64"),
    key=KEYS.keys[ImageName("app")],
    resolved_key="s2-" + "2" * 64,
    stored=Stored(store=Store.REGISTRY, digest=_DIGEST, repository="r.example/x"),
    built_at=1_767_225_600.5,
    seconds=1.5,
    manifests=written.write(KEYS.manifests[ImageName("app")], lambda manifest, item: lister(KEYS, manifest)(item)),
    steps=(StepTime(name="[1/2] RUN true", seconds=0.5, cached=True),),
    retries=2,
)


def _text(document: object) -> bytes:
    return json.dumps(document).encode()


PLANS = tuple(_text(plan_file.document(one)) for one in (_EDITED, _NEW))
LOCKS = (lock_file.write(LOCK).encode(),)
FACTS = (kept.write(KEYS.facts).encode(),)
MANIFESTS = (RECORD.manifests.encode(),)
RECORDS = (record_file.write(RECORD),)
LAYERS = (artefact.pack(RECORD),)
IMAGE = Fetched(digest=_DIGEST, media_type="a/b", body=b"{}", document={})
ARTEFACTS = (
    artefact.manifest(RECORD, LAYERS[0], IMAGE),
    artefact.index_of_referrers(None, artefact.manifest(RECORD, LAYERS[0], IMAGE)),
)
IMAGE_CONFIGS = (
    _text(
        {
            "schemaVersion": 2,
            "config": {
                "digest": _DIGEST,
                "Env": ["A=b"],
                "WorkingDir": "/",
                "User": "u",
                "Shell": ["sh"],
                "OnBuild": ["RUN x"],
            },
            "manifests": [
                {"digest": _DIGEST, "size": 1, "platform": {"os": "linux", "architecture": name}}
                for name in ("amd64", "arm64")
            ],
        }
    ),
    _text({"config": {"digest": _DIGEST, "Env": None}, "layers": [{"digest": _DIGEST, "size": 3}]}),
)
RELAY = (
    relay_request.write(
        relay_request.Request(
            number=17,
            commit="a" * 40,
            images=(relay_request.Wanted(name=ImageName("app"), platforms=("linux/amd64",), key="s2-" + "1" * 64),),
        )
    ).encode(),
)
LABELS = (
    _text({"a" * 40: ["base", "app"], "b" * 7: []}),
    _text({"family": {"rebuild_commits": [{"commit": "c" * 12, "rebuilt": ["base"]}]}}),
)
JOURNAL = b"\n".join(
    _text(one)
    for one in (
        {"event": "run", "at": 1.5, "all": False, "images": ["a", "b"]},
        {"event": "started", "at": 2, "image": "a", "builder": "x"},
        {"event": "built", "at": 3, "image": "a", "digest": _DIGEST},
        {"event": "reused", "at": 3, "image": "b"},
        {"event": "end", "at": 4},
    )
)
PULL_REQUESTS = (
    _text([{"number": 1, "state": "open", "head": {"sha": "a" * 40}}, {"iid": 2, "state": "merged", "sha": "b" * 40}]),
    _text(
        {
            "action": "closed",
            "pull_request": {"number": 17, "state": "closed", "head": {"sha": "a" * 40}},
            "repository": {"full_name": "acme/images", "id": 4711, "owner": {"id": 42}},
        }
    ),
    _text(
        {
            "object_kind": "merge_request",
            "project": {"path_with_namespace": "acme/images", "id": 17},
            "object_attributes": {"iid": 3, "state": "merged", "last_commit": {"id": "c" * 40}},
        }
    ),
    b"1\n2\n# x\n17 " + b"a" * 40 + b"\n",
)
BAKE_JSON = (
    _text(
        {
            "variable": {"T": {"default": "a"}, "N": {"default": [1, 2]}},
            "group": {"default": {"targets": ["a"]}},
            "target": {
                "base": {"args": {"X": "${1 + 2}", "Y": "${upper(T)}"}, "platforms": ["linux/amd64"]},
                "a": {
                    "inherits": ["base"],
                    "context": ".",
                    "contexts": {"b": "target:base"},
                    "tags": ["r/a:${T}"],
                    "matrix": {"m": ["1", "2"]},
                    "name": "a-${m}",
                    "labels": {"l": "${m}"},
                    "secret": ["id=s"],
                },
            },
        }
    ),
)

CLAIMS = (
    _text(
        {
            "repository_id": "4711",
            "repository_owner_id": "42",
            "repository": "acme/images",
            "event_name": "pull_request",
            "ref": "refs/pull/17/merge",
            "ref_protected": "true",
            "runner_environment": "github-hosted",
            "environment": "release",
            "actor": "ann",
            "workflow_ref": "acme/images/.github/workflows/a.yml@refs/heads/main",
        }
    ),
    _text(
        {
            "project_id": "17",
            "namespace_id": "5",
            "project_path": "acme/images",
            "ref_type": "branch",
            "ref": "main",
            "ref_protected": "true",
            "pipeline_source": "push",
            "user_login": "ann",
        }
    ),
    b"repository:images/app:pull,push",
    b"repository(plugin):cache/pr/17/app:*",
)
KEY_SETS = (
    _text(
        {
            "keys": [
                {"kty": "RSA", "kid": "r", "use": "sig", "e": "AQAB", "n": "sXch" * 86},
                {"kty": "EC", "kid": "e", "use": "sig", "crv": "P-256", "x": _X, "y": _Y},
            ]
        }
    ),
)


def _part(document: object) -> bytes:
    return base64.urlsafe_b64encode(_text(document)).rstrip(b"=")


TOKENS = (
    _part({"alg": "RS256", "kid": "r"})
    + b"."
    + _part({"iss": "i", "aud": "a", "exp": 1, "iat": 0, "jti": "j"})
    + b".AA",
    _part({"alg": "none"}) + b"." + _part({"iss": "i"}) + b".",
)
TOKEN_WORDS = words(
    *(b".", b"=", b"-", b"_", b"+", b"/", b"AA", b"AAA"),
    *map(_part, ({}, [], "a", {"alg": ["RS256"], "kid": "r"}, {"alg": "RS256", "kid": {}})),
    *map(_part, ({"iss": ["i"]}, {"iss": {}}, {"alg": "ES256", "kid": "e", "crit": []}, 10**30)),
)
