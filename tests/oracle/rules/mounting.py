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
    yield from told_apart()
    yield from unknown()


def told_apart() -> Iterator[Rule]:
    """Mounts and commands that look alike when they are written in one line."""
    source = "frontend/dockerfile/instructions/commands_runmount.go:120-170"
    cache = "FROM ubuntu:22.04\nRUN --mount=type=cache,{},target=/a ls /a"
    quoted = case(cache.format('\\"id=b,sharing=locked\\"'), TREE)
    yield counts("a comma in quotes is of the value", source, quoted, case(cache.format("id=b,sharing=locked"), TREE))
    stages = "FROM ubuntu:22.04 AS one\nFROM ubuntu:22.04\nRUN --mount=from=one,target=/xfrom={} ls"
    named = case(stages.format("one"), TREE)
    yield counts("a target that looks like a from counts", source, named, case(stages.format(""), TREE))
    space = "FROM ubuntu:22.04\nRUN --mount=type=tmpfs,target={} ls"
    spaced = case(space.format("'/x size=1'"), TREE)
    yield counts("a space in a target counts", source, spaced, case(space.format("/x"), TREE))
    typed = case("FROM ubuntu:22.04\nARG T=CACHE\nRUN --mount=type=$T,target=/c ls /c", TREE)
    yield counts_not("a mount's type by a variable has no case", source, typed, {"a": "2"})
    source = "frontend/dockerfile/dockerfile2llb/convert.go:1358-1420 (withShell)"
    shell = "FROM ubuntu:22.04 AS one\nSHELL {}\nRUN echo 1 >/x\nFROM scratch\nCOPY --from=one /x /x"
    usual = case(shell.format('["/bin/sh","-e","-c"]'))
    for says, words in (
        ("two words of a SHELL in one are one", '["/bin/sh","-e -c"]'),
        ("a SHELL of one word is one word", '["/bin/sh -e -c"]'),
        ("an empty word of a SHELL counts", '["/bin/sh","","-e","-c"]'),
    ):
        yield counts(says, source, usual, case(shell.format(words)))
    command = "FROM ubuntu:22.04 AS one\n{}\nFROM scratch\nCOPY --from=one /x /x"
    none = case(command.format('SHELL ["none"]\nRUN x'))
    yield counts("a SHELL called none is one", source, none, case(command.format('RUN ["x"]')))


def unknown() -> Iterator[Rule]:
    """Variables in mounts that only the base image knows."""
    text = "FROM ubuntu:22.04\nRUN --mount=type=cache,target=$HOME/c --mount=source=lib,target=$HOME/m ls /"
    target = case(text, TREE)
    yield counts_not("where a mount stands does not decide what it reads", MOUNTS, target, {"a": "2"})
    yield counts("what a mount reads counts wherever it stands", MOUNTS, target, {"lib/a": "2"})
