"""Edits written by hand, for what random ones reach too seldom: those of the other oracle, and families of two."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from tests.oracle import directed
from tests.oracle.builds.chain import Chain, Outcome
from tests.oracle.builds.edits import Edited
from tests.oracle.builds.family import Member, State, names_of
from tests.oracle.case import EXECUTABLE, Case, File, Piece


def _state(files: dict[str, str], **texts: str) -> State:
    members = []
    for name, text in texts.items():
        pieces = tuple(Piece(number, line) for number, line in enumerate(text.split("\n")))
        members.append(Member(name=name, case=Case(pieces=pieces, dockerfile=f"docker/{name}/Dockerfile")))
    return State(files={f"ctx/{path}": File(text) for path, text in files.items()}, members=tuple(members))


def edits() -> Iterator[Edited]:
    """The edits, each of which makes another image."""
    for pair in directed.pairs():
        states = [
            State(files=case.files, members=(Member(name="base", case=replace(case, files={})),))
            for case in (pair.before, pair.after)
        ]
        yield Edited(states[0], states[1], pair.mutation)
    parent, pinned = names_of("base")
    text = "FROM scratch\nCOPY a /\n{}"
    triggered = _state({"a": "1", "b": "1"}, base=text.format("ONBUILD COPY b /"), tool=f"FROM {pinned}\nCOPY a /a")
    yield Edited(
        triggered, replace(triggered, files={**triggered.files, "ctx/b": File("2")}), "what a parent's trigger copies"
    )
    plain = _state({"a": "1", "b": "1"}, base=text.format("LABEL a=1"), tool=f"FROM {parent}\nCOPY b /b")
    yield Edited(plain, replace(plain, files={**plain.files, "ctx/b": File("1", EXECUTABLE)}), "a mode in a child")
    labelled = _state({"a": "1", "b": "1"}, base=text.format("LABEL a=2"), tool=f"FROM {parent}\nCOPY b /b")
    yield Edited(plain, labelled, "a label of a parent")


def _told(before: str, after: str, *, args: tuple[str, str] = ("", "")) -> Edited:
    """An edit of a stage that is only copied from, and which one RUN sees."""
    text = "FROM ubuntu:22.04 AS early\n{}\nRUN env > /etc/told\nFROM scratch\nCOPY --from=early /etc /"
    states = []
    for line, value in zip((before, after), args, strict=True):
        state = _state({"a": "1"}, base=text.format(line))
        case = replace(state.members[0].case, args={"A": value} if value else {})
        states.append(replace(state, members=(replace(state.members[0], case=case),)))
    return Edited(states[0], states[1], f"{before} becomes {after} {args}")


def _file(text: str, path: str, before: str, after: str) -> Edited:
    """An edit of one file."""
    state = _state({"keep": "1", path: before}, base=f"FROM scratch\n{text}")
    return Edited(state, replace(state, files={**state.files, f"ctx/{path}": File(after)}), f"{path} for {text}")


def more_edits() -> Iterator[Edited]:
    """One edit for each of the bugs that a few random families miss."""
    yield _told("ENV A=1", "ENV A=2")
    yield _told("ARG A", "ARG A", args=("1", "2"))
    yield _told("ARG A=0", "ARG A=0", args=("1", "2"))
    yield _file("COPY --parents src/**/f /x/", "src/one/two/f", "1", "2")
    yield _file("COPY keep src/* /x/", "src/.hidden", "1", "2")
    state = _state({"lib/a": "1", "lib/b": "1"}, base="FROM scratch\nCOPY lib /x/")
    own = "docker/base/Dockerfile.dockerignore"
    ignored = [replace(state, files={**state.files, own: File(text)}) for text in ("# nothing\n", "lib/b\n")]
    yield Edited(ignored[0], ignored[1], "an ignore file beside the Dockerfile")
    written = []
    for body in ("one", "two"):
        member = state.members[0]
        pieces = (Piece(0, "FROM scratch"), Piece(1, f"COPY <<EOF /f\n{body}\nEOF"))
        written.append(replace(state, members=(replace(member, case=replace(member.case, pieces=pieces)),)))
    yield Edited(written[0], written[1], "a here-document")


def outcomes(chain: Chain) -> Iterator[Outcome]:
    """The edits, built."""
    for one in itertools.chain(edits(), more_edits()):
        yield chain.see(chain.standing(one.before), one)[0]
