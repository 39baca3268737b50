"""Rules of RUN --mount: what a step sees of contexts, stages and images."""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle.rules.rule import Rule, case, counts, counts_not

REFERENCE = "frontend/dockerfile/docs/reference.md"
MOUNTS = "frontend/dockerfile/dockerfile2llb/convert_runmount.go:64-190"
HASHED = "solver/llbsolver/ops/exec.go:294-361"
TREE = {"a": "1", "lib/a": "1", "lib/b": "1", ".dockerignore": "lib/b\n"}


def rules() -> Iterator[Rule]:
    bind = case("FROM ubuntu:22.04\nRUN --mount=target=/in ls /in", TREE)
    source = f"{REFERENCE} RUN --mount=type=bind"
    yield counts("a mount without type or source is the whole context", source, bind, {"a": "2"})
    yield counts_not("a mount sees no ignored file", source, bind, {"lib/b": "2"})
    part = case("FROM ubuntu:22.04\nRUN --mount=type=bind,source=lib,target=/in ls /in", TREE)
    yield counts("a mount's source counts", HASHED, part, {"lib/a": "2"})
    yield counts_not("beside a mount's source nothing counts", HASHED, part, {"a": "2"})
    written = case("FROM ubuntu:22.04\nRUN --mount=type=bind,source=lib,target=/in,rw ls /in", TREE)
    yield counts("a mount that may be written counts the same", HASHED, written, {"lib/a": "2"})
    stages = "FROM scratch AS one\nCOPY lib /l\nCOPY a /a\nFROM ubuntu:22.04\n"
    staged = case(stages + "RUN --mount=from=one,source=/l,target=/in ls /in", TREE)
    yield counts("a mount from a stage counts", MOUNTS, staged, {"lib/a": "2"})
    image = "FROM ubuntu:22.04\nRUN --mount=from={},target=/in ls /in"
    yield counts(
        "a mount from an image counts",
        MOUNTS,
        case(image.format("golang:1.20")),
        case(image.format("python:3.11-alpine")),
    )
    named = case(
        "FROM ubuntu:22.04\nRUN --mount=from=extra,source=a,target=/in ls /in",
        {"/more/a": "1", "/more/b": "1"},
        named={"extra": "more"},
    )
    yield counts("a mount from a named context counts", MOUNTS, named, {"/more/a": "2"})
    yield counts_not("of a named context only the mounted part counts", MOUNTS, named, {"/more/b": "2"})
    source = f"{REFERENCE} RUN --mount=type=cache"
    cache = "FROM scratch AS one\nCOPY lib /l\nFROM ubuntu:22.04\n"
    cache += "RUN --mount=type=cache,target=/c,id={},from=one,source=/l ls /c"
    filled = case(cache.format("x"), TREE)
    yield counts("what a cache mount starts from counts", source, filled, {"lib/a": "2"})
    yield counts("a cache mount's id counts", source, filled, case(cache.format("y"), TREE))
    source = f"{REFERENCE} RUN --mount=type=secret"
    by_id = "FROM ubuntu:22.04\nRUN --mount=type=secret,id={},target=/s ls /"
    yield counts("a secret's id counts", source, case(by_id.format("x"), TREE), case(by_id.format("y"), TREE))
    quiet = case(by_id.format("x"), TREE)
    yield counts_not("a step with a secret reads no file of the context", source, quiet, {"a": "2"})
    source = f"{REFERENCE} RUN --mount=type=ssh"
    ssh = "FROM ubuntu:22.04\nRUN --mount=type=ssh{} ls /"
    yield counts("an agent's id counts", source, case(ssh.format(""), TREE), case(ssh.format(",id=x"), TREE))
    source = f"{REFERENCE} RUN --mount=type=tmpfs"
    tmpfs = "FROM ubuntu:22.04\nRUN --mount=type=tmpfs,target={} ls /"
    yield counts("the place of a tmpfs counts", source, case(tmpfs.format("/x"), TREE), case(tmpfs.format("/y"), TREE))
    yield counts_not("a tmpfs reads no file of the context", source, case(tmpfs.format("/x"), TREE), {"a": "2"})
