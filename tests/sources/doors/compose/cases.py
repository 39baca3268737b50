"""Compose projects, by what they are about: what the specification documents, and what its library does beyond that."""

from __future__ import annotations

from tests.sources.doors.compose.judge import Case


def one(build: str, **more: str) -> Case:
    """A project of one service `app` with this build section."""
    indented = "\n".join(f"      {line}" for line in build.strip("\n").splitlines())
    return Case(files={"compose.yaml": f"services:\n  app:\n    build:\n{indented}\n"}, environment=more)


def text(value: str, **environment: str) -> Case:
    """A project whose only argument is this value, quoted."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return Case(
        files={"compose.yaml": f'services:\n  app:\n    build:\n      args: {{A: "{quoted}"}}\n'},
        environment=environment,
    )


def whole(compose: str, *, named: tuple[str, ...] = (), profiles: tuple[str, ...] = (), refused: str = "") -> Case:
    return Case(files={"compose.yaml": compose}, named=named, profiles=profiles, refused=refused)


def files(given: dict[str, str], *named: str, refused: str = "", **environment: str) -> Case:
    return Case(files=given, named=named, environment=environment, refused=refused)


APP = "services: {app: {build: .}}\n"
SET = {"A": "a", "E": "", "LONG_name_1": "long"}

FIELDS = {
    "a folder": whole("services:\n  app:\n    build: ./app\n"),
    "this folder": whole(APP),
    "context and dockerfile": one("context: backend\ndockerfile: ../backend.Dockerfile"),
    "no context": one("dockerfile: web.Dockerfile"),
    "dockerfile_inline": one("context: .\ndockerfile_inline: |\n  FROM baseimage\n  RUN some command\n"),
    "inline with variables": one("dockerfile_inline: |\n  FROM ${A}\n  RUN echo $$HOME\n", A="alpine"),
    "inline beside dockerfile": one("dockerfile: a\ndockerfile_inline: FROM scratch"),
    "target": one("context: .\ntarget: prod"),
    "args as a mapping": one("args: {GIT_COMMIT: cdc3b19, EMPTY: '', NUMBER: 1, YES: yes, FLAG: true}"),
    "args as a list": one("args: [GIT_COMMIT=cdc3b19, 'B=x=y', C=]"),
    "args from the environment": one("args: [A, B]\nlabels: {x: y}", A="a"),
    "args without values": one("args:\n  A:\n  B: ~\n  C: null\n  D: ''", A="a", C="c", D="d"),
    "args of an empty variable": one("args: [A]", A=""),
    "additional contexts": one(
        "additional_contexts:\n  - resources=/path/to/resources\n  - app=docker-image://my-app:latest"
    ),
    "additional contexts as a mapping": one(
        "additional_contexts:\n  resources: ./lib\n  up: ../up\n  git: https://github.com/a/b.git\n  oci: oci-layout://x"
    ),
    "additional context of a service": whole(
        "services:\n  base: {build: base}\n  app: {build: {context: ., additional_contexts: {b: service:base}}}\n"
    ),
    "additional context of no service": one("additional_contexts: {b: 'service:none'}"),
    "additional context of a service that is not built": whole(
        "services:\n  db: {image: db}\n  app: {build: {context: ., additional_contexts: {b: service:db}}}\n",
    ),
    "additional context without a value": one("additional_contexts: [a]"),
    "cache_from and cache_to": one(
        "cache_from: [alpine:latest, 'type=local,src=x', type=gha]\ncache_to: [user/app:cache, 'type=local,dest=x']"
    ),
    "extra_hosts as a list": one(
        "extra_hosts: ['somehost=162.242.195.82', 'other:50.31.209.229', 'v6=::1', 'b=[::1]']"
    ),
    "extra_hosts as a mapping": one("extra_hosts:\n  somehost: 162.242.195.82\n  other: [10.0.0.1, 10.0.0.2]"),
    "isolation": one("isolation: default"),
    "labels as a mapping": one("labels:\n  com.example.description: 'Accounting'\n  n: 1.50\n  b: true\n  empty:"),
    "labels as a list": one("labels: ['com.example=x', alone, 'a=b=c']"),
    "network": one("network: host"),
    "no network": one("network: none"),
    "custom network": one("network: custom"),
    "no_cache, pull, privileged": one("no_cache: true\npull: true\nprivileged: true"),
    "flags as texts": one("no_cache: 'true'\npull: 'no'\nprivileged: ${A}", A="yes"),
    "no_cache_filter": one("no_cache_filter: stage"),
    "no_cache_filter as a list": one("no_cache_filter: [one, two]"),
    "platforms": one("platforms: [linux/amd64, linux/arm64]"),
    "platforms that lack the service's": whole(
        "services:\n  app:\n    platform: linux/arm64\n    build: {context: ., platforms: [linux/amd64]}\n"
    ),
    "platform": whole("services:\n  app: {platform: linux/arm64, build: .}\n"),
    "shm_size": one("shm_size: 2gb"),
    "shm_size in bytes": one("shm_size: 10000000"),
    "shm_size in parts": one("shm_size: 1.5m"),
    "shm_size that is none": one("shm_size: many"),
    "ssh default": one("ssh: [default]"),
    "ssh with keys": one("ssh: [default, myproject=~/.ssh/myproject.pem, local=keys/k.pem]"),
    "ssh as a mapping": one("ssh: {default: , other: /run/agent.sock}"),
    "ssh without a path": one("ssh: [other]"),
    "tags": one("tags: ['myimage:mytag', 'registry/username/myrepos:my-other-tag', 'myimage:mytag']"),
    "ulimits": one("ulimits:\n  nproc: 65535\n  nofile: {soft: 20000, hard: 40000}"),
    "ulimits that are none": one("ulimits: {nofile: many}"),
    "entitlements": one("entitlements: [network.host, security.insecure]"),
    "provenance and sbom": one("provenance: mode=max\nsbom: true"),
    "secrets": whole(
        "services:\n  app:\n    build:\n      context: .\n      secrets:\n        - cert\n"
        "        - {source: token, target: t, uid: '103', mode: 0440}\n"
        "secrets:\n  cert: {file: ./server.cert}\n  token: {environment: TOKEN}\n"
    ),
    "a secret that is not declared": one("secrets: [none]"),
    "an unknown field": one("contxt: ."),
    "x- in a build": one("x-bake: {tags: [a]}\ncontext: ."),
    "build of nothing": whole("services: {app: {build: }}\n"),
    "build is a list": whole("services: {app: {build: [.]}}\n"),
    "context is a number": one("context: 1"),
    "context is a mapping": one("context: {a: b}"),
    "target is a number": one("target: 1"),
    "tags are a text": one("tags: one"),
    "a tag is a number": one("tags: [1]"),
    "args are a text": one("args: one"),
    "args hold a list": one("args: {A: [x]}"),
    "args hold a mapping in a list": one("args: [{A: x}]"),
    "a remote context": one("context: https://github.com/moby/buildkit.git#master"),
    "a remote context of git": one("context: git@github.com:moby/buildkit.git"),
    "neither image nor build": whole("services: {app: {command: x}}\n"),
    "an image that is run": whole("services: {db: {image: postgres}}\n"),
    "image and build": whole("services: {app: {image: acme/app, build: {context: ., tags: [b]}}}\n"),
    "a home folder": one("context: ~/app"),
    "an absolute context": one("context: /srv/app"),
    "a context above": one("context: ../up"),
    "a context with a slash": one("context: ./a//b/../c/"),
}

VARIABLES = {
    f"variable {value!r}": text(value, **SET)
    for value in (
        "$A ${A} $$A $${A} $",
        "$1 $- $ a$",
        "${B}",
        "$B-x",
        "${A}${B}${E}",
        "${A:-d} ${B:-d} ${E:-d}",
        "${A-d} ${B-d} ${E-d}",
        "${A:+p} ${B:+p} ${E:+p}|",
        "${A+p} ${B+p} ${E+p}|",
        "${A:?e} ${A?e}",
        "${E?e}",
        "${E:?must be set}",
        "${B:?}",
        "${B?because ${A}}",
        "${B:-${A}}",
        "${B:-${C:-${A:-x}}}",
        "${B:-a}b}",
        "${B:-{x}}",
        '${B:-{"a": "b"}}',
        "${B:-http://x:1/${A}?q} y ${A}",
        "${B:-$$A}",
        "${B-a:-b}",
        "${B:-a-b+c?d}",
        "${LONG_name_1} $LONG_name_1x",
        "${A",
        "${",
        "${}",
        "${1}",
        "${A!x}",
        "${A b}",
        "${B:-x\ny}",
        "${B:-}",
        "${B:+$A}",
        "${A:+${B:-z}} ${A:+${E}}|",
        "a$$$A $$$$",
        "${B:-{}x",
        "${A:-}}",
        "$A$A$A${A}A",
        "${E:-${E:+x}y}",
    )
}

SCALARS = {
    f"scalar {value}": whole(f"services:\n  app:\n    build:\n      args:\n        X: {value}\n")
    for value in [
        "1.10",
        "0777",
        "0o17",
        "1_000",
        "yes",
        ".5",
        "1e3",
        "0x1F",
        "TRUE",
        "-0",
        "+1",
        "1e25",
        "1.0",
        "100000000.0",
        "0.00000001",
        "0b101",
        "1_0.5",
        "08",
        "1:30",
        "-0.0",
        "1e20",
        "123456789.123",
        "off",
        "+.5",
        "1.",
        "0.1e1",
        "-0x1F",
        "0O17",
        "1e",
        "_1",
        "0_7",
        "0b",
        "+0x1f",
        "-017",
        "tRUE",
        "-1_",
        "0.1",
        "0.0001",
        "0.00001",
        "999999.5",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "-9223372036854775808",
        "1e400",
        "1e5",
        "1e6",
        "1234567.5",
    ]
}
