"""Rules of variables: where a value comes from, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.oracle.case import Case
from tests.oracle.rules.rule import Rule, case, counts, counts_not

REFERENCE = "frontend/dockerfile/docs/reference.md"
ARGS = "frontend/dockerfile/dockerfile2llb/convert.go:1675-1725"


def with_args(before: Case, **args: str) -> Case:
    return replace(before, args=args)


def arguments() -> Iterator[Rule]:
    """ARG."""
    scope = f"{REFERENCE} ARG, Scope"
    used = case("FROM ubuntu:22.04\nARG A=1\nRUN echo $A")
    yield counts("an argument of the build wins over the default", ARGS, used, with_args(used, A="2"))
    yield counts_not("an argument that says the default changes nothing", ARGS, used, with_args(used, A="1"))
    idle = case("FROM ubuntu:22.04\nARG A\nRUN echo no")
    source = f"{REFERENCE} ARG, Impact on build caching"
    yield counts("an argument is in the environment of every later RUN", source, idle, with_args(idle, A="1"))
    late = case("FROM ubuntu:22.04\nRUN echo no\nARG A\n")
    yield counts("an argument without a later RUN is in the history", source, late, with_args(late, A="1"))
    copied = case("FROM ubuntu:22.04 AS one\nRUN touch /tmp/x\nARG A\nFROM scratch\nCOPY --from=one /tmp /")
    yield counts_not(
        "nor does one without a later RUN in a stage that is copied from", source, copied, with_args(copied, A="1")
    )
    undeclared = case("FROM ubuntu:22.04\nRUN echo $A")
    yield counts_not("an argument that no ARG declares does not count", scope, undeclared, with_args(undeclared, A="1"))
    outside = case("ARG A=1\nFROM ubuntu:22.04\nRUN echo $A")
    yield counts_not(
        "a global ARG is not seen in a stage",
        f"{REFERENCE} FROM, Understand how ARG and FROM interact",
        outside,
        with_args(outside, A="2"),
    )
    inside = case("ARG A=1\nFROM ubuntu:22.04\nARG A\nRUN echo $A")
    yield counts(
        "a global ARG is seen where a stage asks for it", ARGS, inside, case(inside.text.replace("A=1", "A=2"))
    )
    own = case("ARG A=1\nFROM ubuntu:22.04\nARG A=3\nRUN echo $A")
    yield counts_not("a stage's default wins over the global one", ARGS, own, case(own.text.replace("A=1", "A=2")))
    other = case("FROM ubuntu:22.04 AS one\nARG A\nRUN echo 1\nFROM ubuntu:22.04\nRUN echo 2")
    yield counts_not("an ARG ends with its stage", scope, other, with_args(other, A="1"))
    going_on = case("FROM ubuntu:22.04 AS one\nARG A=1\nFROM one\nRUN echo $A")
    yield counts("an ARG goes on in stages that start from its stage", scope, going_on, with_args(going_on, A="2"))
    base = case("ARG BASE=ubuntu:22.04\nFROM $BASE\nRUN ls")
    yield counts(
        "a global ARG counts in FROM",
        "frontend/dockerfile/dockerfile2llb/convert.go:397-470",
        base,
        with_args(base, BASE="golang:1.20"),
    )


def predefined() -> Iterator[Rule]:
    """Arguments that are there without ARG."""
    source = f"{REFERENCE} ARG, Predefined ARGs"
    proxy = case("FROM ubuntu:22.04\nRUN ls")
    yield counts_not(
        "a proxy that no ARG declares does not count", source, proxy, with_args(proxy, HTTP_PROXY="http://p")
    )
    declared = case("FROM ubuntu:22.04\nARG HTTP_PROXY\nRUN ls")
    yield counts("a proxy that an ARG declares counts", source, declared, with_args(declared, HTTP_PROXY="http://p"))
    source = f"{REFERENCE} ARG, Automatic platform ARGs in the global scope"
    platform = case("FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /x", {"amd64": "1", "arm64": "1"})
    yield counts("a platform's ARG is seen where it is declared", source, platform, {"amd64": "2"})
    yield counts_not("the other platform's files count not", source, platform, {"arm64": "2"})
    unseen = case("FROM scratch\nCOPY a$TARGETARCH /x", {"a": "1"})
    yield counts("it is nothing where it is not declared", source, unseen, {"a": "2"})
    early = case("FROM --platform=$BUILDPLATFORM ubuntu:22.04\nRUN ls")
    late = case("FROM --platform=linux/arm64 ubuntu:22.04\nRUN ls")
    yield counts("--platform counts", f"{REFERENCE} FROM", early, late)
    stage = case("FROM ubuntu:22.04 AS one\nARG TARGETSTAGE\nRUN ls", target="one")
    yield counts(
        "TARGETSTAGE is the stage's name",
        "frontend/dockerfile/dockerfile2llb/platform.go:39-60",
        stage,
        case(stage.text.replace("AS one", "AS two"), target="two"),
    )


def environment() -> Iterator[Rule]:
    """ENV, and words that are expanded."""
    source = f"{REFERENCE} ARG, Using ARG variables"
    over = case("FROM ubuntu:22.04\nARG A=1\nENV A=3\nCOPY $A /x", {"3": "1", "2": "1", "1": "1"})
    yield counts("ENV wins over ARG", source, over, {"3": "2"})
    yield counts_not("ARG does not win over ENV", source, over, {"1": "2"})
    words = f"{REFERENCE} Environment replacement"
    default = case("FROM scratch\nARG A\nCOPY ${A:-one} /x", {"one": "1", "two": "1"})
    yield counts("a default is taken for an empty variable", words, default, {"one": "2"})
    yield counts("a default is not taken for another", words, default, with_args(default, A="two"))
    same = case("FROM scratch\nENV A=one\nENV A=two B=$A\nCOPY $B /x", {"one": "1", "two": "1"})
    yield counts("one instruction sees what stood before it", words, same, {"one": "2"})
    yield counts_not("one instruction does not see itself", words, same, {"two": "2"})
    escaped = case("FROM scratch\nENV A=one\nCOPY \\$A /x", {"$A": "1", "one": "1"})
    yield counts("an escaped variable is none", words, escaped, {"$A": "2"})
    last = case("FROM ubuntu:22.04\nENV A=1")
    yield counts(
        "an ENV at the end moves the configuration",
        "frontend/dockerfile/dockerfile2llb/convert.go:1329-1342",
        last,
        case("FROM ubuntu:22.04\nENV A=2"),
    )
    source = f"{REFERENCE} LABEL"
    yield counts(
        "a LABEL moves the configuration",
        source,
        case("FROM ubuntu:22.04\nLABEL a=1"),
        case("FROM ubuntu:22.04\nLABEL a=2"),
    )
    asked = case("FROM ubuntu:22.04\n", labels={"a": "1"})
    yield counts("a label that the build asks for counts", source, asked, replace(asked, labels={"a": "2"}))


def times() -> Iterator[Rule]:
    """SOURCE_DATE_EPOCH."""
    source = "frontend/dockerfile/dockerfile2llb/epoch.go:33-92, convert.go:304-311,376-395"
    tree = {"100": "1", "0100": "1", "no": "1"}
    text = "FROM ubuntu:22.04\nARG SOURCE_DATE_EPOCH{}\nCOPY ${{SOURCE_DATE_EPOCH:-no}} /x"
    for written in ("0100", "+100"):
        known = with_args(case(text.format(""), tree), SOURCE_DATE_EPOCH=written)
        yield counts(f"the time {written} is that of second 100", source, known, {"100": "2"})
        yield counts_not(f"the time is not {written} as written", source, known, {"0100": "2"})
        plain = with_args(known, SOURCE_DATE_EPOCH="100")
        yield counts_not(f"the time {written} gives what 100 gives", source, known, plain)
    for what, value in (("an empty time", ""), ("the time of a local context", "context")):
        none = with_args(case(text.format(""), tree), SOURCE_DATE_EPOCH=value)
        yield counts(f"{what} is none", source, none, {"no": "2"})
        default = with_args(case(text.format("=100"), tree), SOURCE_DATE_EPOCH=value)
        yield counts(f"over {what} a stage's default goes", source, default, {"100": "2"})


def derived() -> Iterator[Rule]:
    """Variables made of one that only a base that is not locked knows."""
    source = "frontend/dockerfile/dockerfile2llb/convert.go:633-720,1329-1345,1675-1725"
    files = {"lib/a": "1", "lib2/a": "1", "/more/lib/a": "1", "/more/lib2/a": "1"}
    for said, text in (
        ("ENV", "FROM ubuntu:22.04\nENV D=lib${PATH:+2}\nCOPY $D /x/"),
        ("ARG", "FROM ubuntu:22.04\nARG D=lib${PATH:+2}\nCOPY $D /x/"),
        ("an ARG that is declared again", "FROM ubuntu:22.04\nARG N=${PATH:+2}\nARG N\nCOPY lib$N /x/"),
        ("ENV of ENV", "FROM ubuntu:22.04\nENV N=${PATH:+2}\nENV D=lib$N E=1\nCOPY ${D} /x/"),
        ("ENV by a name", "FROM ubuntu:22.04\nENV D=lib\nENV D${PATH:+}=lib2\nCOPY $D /x/"),
        ("ENV of another stage", "FROM ubuntu:22.04 AS q\nENV N=${PATH:+2}\nFROM q\nCOPY lib$N /x/"),
        ("ENV in a mount", "FROM ubuntu:22.04\nENV D=lib${PATH:+2}\nRUN --mount=source=$D,target=/m cat /m/a"),
    ):
        made = case(text, files)
        yield counts(f"a value of the base goes on by {said}", source, made, {"lib2/a": "2"})
    named = {"extra": "more"}
    copied = case("FROM ubuntu:22.04\nENV N=${PATH:+2}\nCOPY --from=extra lib$N /x/", files, named=named)
    yield counts("a value of the base goes on in a named context", source, copied, {"/more/lib2/a": "2"})
    mounted = case("FROM ubuntu:22.04\nENV N=${PATH:+2}\nRUN --mount=from=extra,source=lib$N,target=/m ls", files)
    mounted = replace(mounted, named=named)
    yield counts("a value of the base goes on in a mount of a named context", source, mounted, {"/more/lib2/a": "2"})
    yield counts_not("where it leads elsewhere it reads nothing of the build context", source, mounted, {"lib2/a": "2"})
    plain = case("FROM ubuntu:22.04\nENV D=lib P=$PATH\nCOPY $D $P/\nRUN --mount=source=lib,target=$P/m ls", files)
    yield counts_not("a value of the base that no source names changes nothing", source, plain, {"lib2/a": "2"})
    again = case("FROM ubuntu:22.04\nENV D=$PATH\nENV D=lib\nARG E=$PATH\nARG E=lib\nCOPY $D $E /x/", files)
    yield counts_not("a value of the base ends where it is set again", source, again, {"lib2/a": "2"})
    folder = case("FROM extra\nENV D=lib${PATH:+2}\nCOPY $D ${E:-lib} /x/", {**files, "b": "1"}, named=named)
    yield counts("a folder as a base has a PATH", f"{source}, emptyImage", folder, {"lib2/a": "2"})
    yield counts_not("a folder as a base has no other variable", f"{source}, emptyImage", folder, {"b": "2"})


def exposed() -> Iterator[Rule]:
    """EXPOSE."""
    source = "frontend/dockerfile/dockerfile2llb/convert_expose.go:92-213"
    for before, after in (("80 443", "80/tcp 443/TCP"), ("80/", "080"), ("80-80", "80"), ("53/UDP", "$P")):
        plain, other = (case(f"FROM ubuntu:22.04\nARG P=053/udp\nEXPOSE {text}") for text in (before, after))
        yield counts_not(f"a port has one meaning, {before} or {after}", source, plain, other)
    one, other = case("FROM ubuntu:22.04\nEXPOSE 80"), case("FROM ubuntu:22.04\nEXPOSE 80/udp")
    yield counts("a protocol counts", source, one, other)
    yield counts(
        "a port that is said twice is twice in the history", source, one, case("FROM ubuntu:22.04\nEXPOSE 80 80/tcp")
    )


def rules() -> Iterator[Rule]:
    yield from exposed()
    yield from derived()
    yield from arguments()
    yield from predefined()
    yield from environment()
    yield from times()
