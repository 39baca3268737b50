"""What fuzzing begins with: documents as the planner itself writes them, recorded answers, and texts of languages."""

from __future__ import annotations

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
from tests.fuzz.forms import words
from tests.memory import MemoryTree

_TESTS = Path(__file__).parents[1]
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

DOCKERFILE = (
    b"# syntax=docker/dockerfile:1\nARG A=1\nFROM --platform=$BUILDPLATFORM x:${A:-2} AS s\n"
    b"COPY --from=s --chmod=755 --exclude=*.md a* /b/\nRUN --mount=type=bind,from=s,target=/x <<E\ncat $A\nE\n"
    b'ENV A=1 B="c d"\nONBUILD ADD --checksum=sha256:00 http://x/y /z\nHEALTHCHECK --interval=5s CMD ["a"]\n'
)
INSTRUCTIONS = "FROM ARG ENV RUN COPY ADD CMD LABEL USER WORKDIR SHELL ONBUILD EXPOSE VOLUME STOPSIGNAL HEALTHCHECK"
DOCKERFILE_WORDS = words(
    *[
        "FROM",
        "ARG",
        "ENV",
        "RUN",
        "COPY",
        "ADD",
        "CMD",
        "LABEL",
        "USER",
        "WORKDIR",
        "SHELL",
        "ONBUILD",
        "EXPOSE",
        "VOLUME",
        "STOPSIGNAL",
        "HEALTHCHECK",
    ],
    *("ENTRYPOINT", "MAINTAINER", "AS s", "FROM scratch", "FROM s", "--from=s", "--from=0", "--link", "--parents"),
    *("--exclude=a", "--keep-git-dir", "--checksum=sha256:0", "--chown=1:1", "--chmod=u=rwX", "--unpack=true"),
    *("--mount=type=cache,target=/c", "--mount=type=secret,id=a", "--mount=type=tmpfs", "--network=none"),
    *("--mount=from=s,source=a,target=/b", "--security=insecure", "--platform=$TARGETPLATFORM", "--interval=1s"),
    *("# escape=`\n", "# syntax=a/b:1\n", "# check=skip=all\n", "\\\n", "`\n", "<<E", "<<-'E'", "E\n", "\r\n", "\t"),
    *("${A}", "${A:-b}", "${A:+b}", "${A:?b}", "${A#b}", "${A%%b*}", "${A//b/c}", "$1", "${", '"', "'", '["a", "b"]'),
    *("https://github.com/a/b.git#c:d", "git@a:b", "http://a/b", ".", "..", "/", "*", "[a-b]", "?", "\ufeff", "\xa0"),
)
IGNORE = b"*.md\n!docs/**/a?[b-c]\n# x\n/y/ \n"
IGNORE_WORDS = words(
    *(
        "*",
        "**",
        "**/",
        "/**",
        "!",
        "!**",
        "?",
        "[a-b]",
        "[^a]",
        "[!a]",
        "[]a]",
        "[",
        "\\",
        "\\*",
        "#",
        "/",
        "//",
        "..",
    ),
    *("./", " ", "\t", "\r", "\ufeff", "\0", "a", "b", "docs", ".git", "{a,b}", "é"),
)
HCL = (
    b'variable "T" { default = "a" }\nfunction "f" {\n params = [x]\n result = upper(x)\n}\n'
    b'target "a" {\n context = "."\n args = { X = "${f(T)}" }\n matrix = { m = ["1", "2"] }\n name = "a-${m}"\n}\n'
    b'group "default" { targets = ["a"] }\n'
)
HCL_WORDS = words(
    *('variable "A" {', "default =", "type = list(string)", "validation {", 'function "g" {', "params = [a]", "}"),
    *("variadic_params = b", 'target "b" {', 'inherits = ["a"]', "matrix = {", 'group "c" {', "args = {", "null"),
    *("<<E\n", "<<-E\n", "\nE\n", "${", "%{ if", "%{ for x in y }", "%{ endif ~}", "%%{", "$${", "~}", "/*", "*/", "#"),
    *(
        "[for x in y : x if z]",
        "{for k, v in w : k => v...}",
        "a[*].b",
        "a.*.b",
        "a[0]",
        "? b : c",
        "&&",
        "||",
        "!",
        "%",
    ),
    *(
        "==",
        "<=",
        "-",
        "1e9",
        "0.1",
        "true",
        "(",
        ")",
        "[",
        "]",
        ",",
        "=",
        "=>",
        "...",
        '"',
        "\\u0041",
        "T",
        "f(",
        "target.a",
    ),
    *("upper(", "format(", "regex(", "regexall(", "cidrsubnet(", "jsondecode(", "csvdecode(", "merge(", "range("),
    *("substr(", "formatdate(", "timeadd(", "flatten(", "setproduct(", "try(", "can(", "sort(", "split(", "semvercmp("),
)
COMPOSE = (
    b"name: p\nx-a: &x\n  build: {context: ., args: {X: '1'}}\nservices:\n  a: &y\n    image: r/a:${T:-1}\n"
    b"    build:\n      context: .\n      dockerfile: Dockerfile\n      args: [X=1, Y]\n      target: s\n"
    b"      additional_contexts: {b: 'service:b'}\n      platforms: [linux/amd64]\n      tags: ['r/a:1']\n"
    b"      secrets: [t]\n  b:\n    <<: *y\n    extends: {service: a}\n    depends_on: [a]\n"
    b"  c: {<<: [*x], build: {dockerfile_inline: 'FROM x'}}\nsecrets: {t: {file: ./t}}\n"
)
DOTENV = b"A=1\nexport B='x y'\nC=\"${A:-2}\"\n# c\n"
DOTENV_WORDS = words(
    *("export ", "=", '"', "'", "${", "}", "${A", "${A:-b}", "${A-b}", "${A:?b}", "${A:+b}", "$A", "$$", "\\$", "\\n"),
    *("#", " #", "\\", "\r", ":", "A", "B=", " ", "\t", "\0", "\ufeff", "`", "."),
)
STARLARK = b'def f(n):\n    return [n + str(i) for i in range(3)]\n\n[image(name = n, context = ".") for n in f("a")]\n'
STARLARK_WORDS = words(
    *(
        "def g(x):",
        "    return",
        "for x in y:",
        "if a:",
        "else",
        "lambda x: x",
        "load(",
        "image(",
        "name = ",
        "args = {",
    ),
    *(
        "[x for x in y]",
        "{k: v}",
        "*a",
        "**k",
        "range(10000000)",
        "str(",
        "len(",
        "sorted(",
        "struct(",
        "fail(",
        "print(",
    ),
    *("'''", '"', "\\", "not in", "%", "//", "<<", "1 << 40", "'a' * 1000000", "while True:", "pass", "\n", "\t"),
)
QUERIES = (
    b"deps(//..., 2) except kind('cuda', rdeps(a, b)) ^ set(x y)",
    b"let v = a in $v + somepath(b, c)",
    b"attr(platforms, 'linux/.*', allpaths(a, b)) intersect siblings(c)",
)
QUERY_WORDS = words(
    *("deps(", "rdeps(", "allrdeps(", "kind(", "attr(", "filter(", "labels(", "set(", "somepath(", "allpaths(", ")"),
    *(
        ",",
        "+",
        "-",
        "^",
        "union",
        "except",
        "intersect",
        "let x =",
        "in",
        "$x",
        "//...",
        "*",
        "'",
        '"',
        "2",
        "a",
        "a/b",
    ),
    *(
        "buildfiles(",
        "siblings(",
        "some(",
        "loadfiles(",
        "tests(",
        "same_pkg_direct_rdeps(",
        "(((",
        "-1",
        "99999999999",
    ),
)
RAWJSON = (
    b'{"vertexes": [{"digest": "sha256:0", "name": "[1/2] COPY a /", "started": "2026-01-01T00:00:00Z", "completed": '
    b'"2026-01-01T00:00:01.5Z", "cached": true, "error": "x"}], "logs": [{"vertex": "sha256:0", "data": "YQ=="}]}'
)
POOL = (
    b"version: 1\nbuilders:\n"
    b"  a: {address: 'tcp://x:1', weight: 2, ca: ca.pem, cert: c.pem, key: k.pem, server_name: x}\n"
)
WORKFLOW = (
    b"on:\n  push: {branches: [main]}\n  pull_request_target: {types: [opened]}\npermissions: {contents: read}\n"
    b"jobs:\n  a:\n    runs-on: [self-hosted]\n    permissions: write-all\n    environment: release\n    steps:\n"
    b"      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n"
    b"      - uses: docker/build-push-action@v6\n        with:\n          context: a\n          file: a/Dockerfile\n"
    b"          build-args: |\n            A=1\n          tags: r/a:1,r/b:2\n"
    b"      - run: |\n          echo ${{ github.head_ref }}\n          docker build -t r/a:1 --build-arg A=1 -f b c\n"
    b"        env: {S: '${{ secrets.S }}'}\n"
)
SCRIPT = (
    b"build:\n\tdocker buildx build --build-context b=c -t r/x:$(V) --target=s \\\n"
    b"\t  -f a/Dockerfile a && docker push\n"
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
    *(".", "=", "-", "_", "+", "/", "AA", "AAA"),
    *(_part(one).decode() for one in ({}, [], "a", {"alg": ["RS256"], "kid": "r"}, {"alg": "RS256", "kid": {}})),
    *(_part(one).decode() for one in ({"iss": ["i"]}, {"iss": {}}, {"alg": "ES256", "kid": "e", "crit": []}, 10**30)),
)
