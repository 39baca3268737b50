"""Rules of what a build starts from: FROM, named contexts, ONBUILD, directives, and the Dockerfile itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.oracle.rules.rule import Rule, case, counts, counts_not

REFERENCE = "frontend/dockerfile/docs/reference.md"
STAGES = "frontend/dockerfile/dockerfile2llb/convert.go:397-505"
NAMED = "frontend/dockerui/config.go:468-487, dockerfile2llb/convert.go:461,666"
IGNORED = "frontend/dockerui/namedcontext.go:225-262"
ENTRY = "frontend/dockerui/config.go:343-400"


def starts() -> Iterator[Rule]:
    """FROM."""
    tree = {"a": "1", "b": "1"}
    image = case("FROM ubuntu:22.04\nRUN ls")
    yield counts("the image that FROM names counts", f"{REFERENCE} FROM", image, case("FROM golang:1.20\nRUN ls"))
    stage = case("FROM scratch AS one\nCOPY a /\nFROM one\nCOPY b /", tree)
    yield counts("FROM a stage goes on from it", STAGES, stage, {"a": "2"})
    cased = case("FROM scratch AS One\nCOPY a /a\nFROM scratch\nCOPY --from=oNE /a /", tree)
    yield counts("names of stages have no case", STAGES, cased, {"a": "2"})
    number = case("FROM scratch\nCOPY a /x\nFROM scratch\nCOPY --from=0 /x /", tree)
    yield counts(
        "a stage may be called by its number",
        "frontend/dockerfile/dockerfile2llb/convert.go:1259-1270",
        number,
        {"a": "2"},
    )
    for said, text in (("a sign", "+1"), ("zeros before it", "001")):
        signed = case(f"FROM scratch\nCOPY b /x\nFROM scratch\nCOPY a /x\nFROM scratch\nCOPY --from={text} /x /", tree)
        yield counts(
            f"the number of a stage may have {said}",
            "frontend/dockerfile/dockerfile2llb/convert.go:1259-1270 (strconv.Atoi)",
            signed,
            {"a": "2"},
        )
    again = case(
        "FROM scratch AS one\nCOPY a /x\nFROM scratch AS one\nCOPY b /x\nFROM scratch\nCOPY --from=one /x /", tree
    )
    yield counts(
        "of two stages with one name the last is meant",
        "frontend/dockerfile/dockerfile2llb/convert.go:1247-1262",
        again,
        {"b": "2"},
    )
    nothing = case("FROM scratch\nCOPY a /", tree)
    yield counts_not("scratch is no image", f"{REFERENCE} FROM", nothing, {"b": "2"})


def contexts() -> Iterator[Rule]:
    """Named contexts."""
    files = {"/more/a": "1", "/more/b": "1", "a": "1"}
    copied = case("FROM scratch\nCOPY --from=extra a /", files, named={"extra": "more"})
    yield counts("a named context is copied from", NAMED, copied, {"/more/a": "2"})
    yield counts_not("the build context is not meant then", NAMED, copied, {"a": "2"})
    over = case("FROM scratch AS one\nCOPY a /a\nFROM scratch\nCOPY --from=one /a /", files, named={"one": "more"})
    yield counts("a named context stands in for a stage of its name", NAMED, over, {"/more/a": "2"})
    yield counts_not("that stage is not built then", NAMED, over, {"a": "2"})
    started = case("FROM ubuntu:22.04\nRUN ls", files, named={"ubuntu:22.04": "more"})
    yield counts("a named context stands in for an image of its name", NAMED, started, {"/more/a": "2"})
    latest = case("FROM thing:latest\nRUN ls", files, named={"thing": "more"})
    yield counts("latest is cut off before a named context is looked for", NAMED, latest, {"/more/a": "2"})
    image = case("FROM extra\nRUN ls", named={"extra": "docker-image://ubuntu:22.04"})
    yield counts(
        "a named context may be an image", NAMED, image, replace(image, named={"extra": "docker-image://golang:1.20"})
    )
    workspace = {"/a": "1", "a": "1", "Dockerfile.dockerignore": "a\n", "/.dockerignore": "b\n", "/b": "1"}
    for said, value in (("plainly", "."), ("with a slash", "./")):
        root = case("FROM scratch\nCOPY --from=root a* b* /", workspace, named={"root": value})
        yield counts(
            f"a named context may be the folder that the build context is in, {said}", NAMED, root, {"/a": "2"}
        )
        yield counts_not(f"the build context is not meant by the folder that it is in, {said}", NAMED, root, {"a": "2"})
    yield counts_not("a named context has the ignore file of its root", IGNORED, root, {"/b": "2"})
    itself = case("FROM scratch\nCOPY --from=root a /", workspace, named={"root": "ctx"})
    yield counts("the ignore file of the Dockerfile is not that of a named context", IGNORED, itself, {"a": "2"})
    mounted = case("FROM ubuntu:22.04\nRUN --mount=from=root,target=/m ls", workspace, named={"root": "."})
    yield counts("the folder that the build context is in may be mounted", NAMED, mounted, {"/a": "2"})
    based = case("FROM root", workspace, named={"root": "."})
    yield counts("FROM may name the folder that the build context is in", NAMED, based, {"/a": "2"})
    staged = case("FROM scratch AS root\nFROM scratch\nCOPY --from=root a /", workspace, named={"root": "."})
    yield counts("the folder that the build context is in may stand in for a stage", NAMED, staged, {"/a": "2"})
    text = "FROM scratch\nCOPY --from=extra a /"
    held = [case(text, files, named={"extra": f"https://git.example/r.git#{sha * 40}"}) for sha in "ab"]
    yield counts("the commit of a named context counts", NAMED, *held)
    yield counts_not("a named context that is held to a commit may not move", NAMED, held[0], {"a": "2"})
    branch = case(text, files, named={"extra": "https://git.example/r.git#main"})
    yield counts_not("a named context that is a branch may", NAMED, branch, {"a": "2"})
    unused = case("FROM scratch\nCOPY a /", files, named={"extra": "more"})
    yield counts_not("a named context that nobody names does not count", NAMED, unused, {"/more/a": "2"})


def triggers() -> Iterator[Rule]:
    """ONBUILD between stages of one file."""
    source = "frontend/dockerfile/dockerfile2llb/convert.go:548-585,1284-1327"
    text = "FROM scratch AS one\nONBUILD COPY a /\nFROM one\nCOPY b /"
    yield counts(
        "an ONBUILD runs where its stage is started from", source, case(text, {"a": "1", "b": "1"}), {"a": "2"}
    )
    own = case("FROM scratch\nCOPY b /\nONBUILD COPY a /", {"a": "1", "b": "1"})
    yield counts_not("an ONBUILD does not run in its own image", source, own, {"a": "2"})
    yield counts(
        "an ONBUILD is in the configuration",
        source,
        own,
        case(own.text.replace("COPY a", "COPY z"), {"a": "1", "b": "1"}),
    )


def directives() -> Iterator[Rule]:
    """Directives, and where the Dockerfile is found."""
    source = f"{REFERENCE} Parser directives"
    tick = case("# escape=`\nFROM ubuntu:22.04\nRUN echo 1 `\n  2")
    joined = case("FROM ubuntu:22.04\nRUN echo 1   2")
    yield counts_not("the escape directive joins lines", f"{source}, escape", tick, joined)
    late = case("# note\n# escape=`\nFROM ubuntu:22.04\nRUN echo 1 \\\n  2")
    yield counts_not("a directive behind a comment is none", source, late, joined)
    plain = case("FROM ubuntu:22.04\nRUN ls")
    yield counts_not(
        "a check directive does not count",
        f"{source}, check",
        plain,
        case("# check=skip=all\nFROM ubuntu:22.04\nRUN ls"),
    )
    yield counts_not(
        "comments and blanks do not count",
        f"{REFERENCE} Format",
        plain,
        case("# note\n\nFROM ubuntu:22.04\n# x\n\nRUN ls\n"),
    )
    lower = case("from ubuntu:22.04\nrun ls")
    yield counts_not("instructions have no case", f"{REFERENCE} Format", plain, lower)
    windows = replace(plain, newline="\r\n")
    yield counts_not("line ends do not count", f"{REFERENCE} Format", plain, windows)
    small = replace(case("FROM ubuntu:22.04\nRUN ls"), dockerfile="ctx/dockerfile")
    yield counts_not("dockerfile stands in where Dockerfile is not there", ENTRY, small, {"unread": "1"})
    copied = case("FROM scratch\nCOPY . /", {"a": "1"})
    source = "frontend/dockerui/config.go:436-466"
    yield counts(
        "a Dockerfile counts as a file where it is copied",
        source,
        copied,
        case("# note\nFROM scratch\nCOPY . /", {"a": "1"}),
    )


def rules() -> Iterator[Rule]:
    yield from starts()
    yield from contexts()
    yield from triggers()
    yield from directives()
