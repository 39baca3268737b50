"""Mutations written by hand, for what random ones reach too seldom: each is judged like a random one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.oracle.case import LINK, Case, File, Pair, Piece
from tests.oracle.judge import Judge
from tests.oracle.sample import Judged


def _case(text: str, **files: File) -> Case:
    pieces = tuple(Piece(number, line) for number, line in enumerate(text.splitlines()))
    return Case(pieces=pieces, files={f"ctx/{path}": file for path, file in files.items()})


def _told(before: str, after: str, line: str) -> Pair:
    """An edit of one line of a stage that is only copied from, so that no configuration tells of it."""
    text = f"FROM ubuntu:22.04 AS early\n{{}}\nRUN {line}\nFROM scratch\nCOPY --from=early /etc /"
    return Pair(_case(text.format(before)), _case(text.format(after)), f"{before} becomes {after}")


def pairs() -> Iterator[Pair]:
    """The pairs, each with an edit that changes the image."""
    yield _told("USER 1", "USER 2", "id")
    yield _told('SHELL ["/bin/sh", "-c"]', 'SHELL ["/bin/sh", "-e", "-c"]', "id")
    yield _told("WORKDIR /tmp", "WORKDIR /etc", "touch here")
    stages = "FROM ubuntu:22.04 AS one\nRUN touch /etc/1\nFROM ubuntu:22.04 AS two\nRUN touch /etc/2\nFROM scratch\n"
    copies = "COPY --from={} /etc /a\nCOPY --from={} /etc /b"
    swapped = [_case(stages + copies.format(*names)) for names in (("one", "two"), ("two", "one"))]
    yield Pair(swapped[0], swapped[1], "two stages change places in --from")
    linked = _case("FROM scratch\nCOPY link /", link=File("target", LINK), target=File("one"))
    edited = replace(linked, files={**linked.files, "ctx/target": File("two")})
    yield Pair(linked, edited, "the target of a link that COPY names")
    folder = _case("FROM scratch\nCOPY way/in /", **{"way": File("real", LINK), "real/in": File("one")})
    edited = replace(folder, files={**folder.files, "ctx/real/in": File("two")})
    yield Pair(folder, edited, "a file behind a link to its folder")


def directed(judge: Judge, folder: Path) -> Iterator[Judged]:
    """The pairs with BuildKit's verdicts, numbered from the last one down, below zero."""
    for number, pair in enumerate(pairs(), 1):
        verdicts = []
        for side, case in (("before", pair.before), ("after", pair.after)):
            place = folder / f"directed-{number}-{side}"
            case.write(place)
            verdicts.append(judge.ask(case, place).result(120))
            shutil.rmtree(place, ignore_errors=True)
        yield Judged(-number, pair, *verdicts)
