"""Turns the bytes of a Dockerfile into typed instructions, or into all of its mistakes at once.

Reads what BuildKit v0.32.2 reads (frontend/dockerfile/parser and instructions). Flags of COPY, ADD and RUN that it
does not have are kept by name, since another frontend may have them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from planner.errors import DefinitionError, Mistake, one_of
from planner.model.image import Span
from planner.sources.dockerfile import settings
from planner.sources.dockerfile.copying import copy
from planner.sources.dockerfile.directives import DEFAULT_ESCAPE, read_directives
from planner.sources.dockerfile.flags import Kind, only_known
from planner.sources.dockerfile.lines import LogicalLine, logical_lines, physical_lines
from planner.sources.dockerfile.refusal import Refused, mistake_at, shown
from planner.sources.dockerfile.running import run
from planner.sources.dockerfile.statement import statement
from planner.sources.dockerfile.syntax import Arg, Dockerfile, From, Instruction, Onbuild
from planner.sources.dockerfile.words import first_word, spaced_words
from planner.sources.dockerfile.written import Written
from planner.sources.go_match import SPACES

MAX_MISTAKES = 50
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
_NO_TRIGGER = frozenset({"FROM", "MAINTAINER", "ONBUILD"})


@lru_cache(maxsize=10_000)
def parse(data: bytes, file: str) -> Dockerfile:
    """Read a Dockerfile; `file` is its name in messages. Raises DefinitionError with its mistakes in order.

    Remembered: a plan reads most Dockerfiles twice with the same bytes, now and at its baseline.
    """
    raw = physical_lines(data, file)
    lines = tuple(line.rstrip("\r") for line in raw)
    directives, mistakes = read_directives(lines, file)
    found: list[Instruction] = []
    for line in logical_lines(raw, file, directives.escape):
        try:
            found.append(_instruction(line, directives.escape))
        except Refused as refused:
            mistakes.append(mistake_at(lines, line.span(refused.at), refused.what, refused.hint))
    mistakes.extend(_misplaced(found, file, lines))
    if mistakes:
        raise DefinitionError(sorted(mistakes, key=lambda mistake: mistake.line)[:MAX_MISTAKES])
    return Dockerfile(file=file, directives=directives, instructions=tuple(found), lines=lines)


def parse_trigger(text: str, span: Span) -> Instruction:
    """Read an ONBUILD's trigger for the image that runs it, at the place `span`. Raises DefinitionError.

    BuildKit reads triggers with a backslash as the escape, whatever that of the file they come from is.
    """
    try:
        return _trigger(text, span)
    except Refused as refused:
        what = f"ONBUILD {shown(text)}: {refused.what}"
        raise DefinitionError([mistake_at((), span, what, refused.hint)]) from refused


def _trigger(text: str, span: Span) -> Instruction:
    lines = list(logical_lines(text.split("\n"), span.file, DEFAULT_ESCAPE))
    if len(lines) != 1:
        raise Refused("a trigger is one instruction")
    read = statement(lines[0].text, DEFAULT_ESCAPE)
    if read.keyword in _NO_TRIGGER:
        raise Refused(f"ONBUILD may not hold {read.keyword}")
    return _instruction(lines[0], DEFAULT_ESCAPE, span)


def _instruction(line: LogicalLine, escape: str, place: Span | None = None) -> Instruction:
    read = statement(line.text, escape)
    reader = _READERS.get(read.keyword)
    if reader is None:
        raise Refused(f"unknown instruction {shown(read.keyword)}", hint=one_of(read.keyword[:20], list(_READERS)))
    if line.problem:
        raise Refused(line.problem)
    return reader(Written(line=line, read=read, escape=escape, place=place))


def _misplaced(found: Sequence[Instruction], file: str, lines: Sequence[str]) -> Iterator[Mistake]:
    first = next((n for n, item in enumerate(found) if isinstance(item, From)), None)
    if first is None:
        yield Mistake(file=file, what="there is no FROM", hint="begin with FROM <image>, or FROM scratch")
        return
    for item in found[:first]:
        if not isinstance(item, Arg):
            yield mistake_at(lines, item.span, "only ARG may stand before the first FROM", "move it below FROM")


def _from(written: Written) -> From:
    words = spaced_words(written.rest)
    named = len(words) == 3 and words[1].lower() == "as"
    if len(words) != 1 and not named:
        raise written.refuse("FROM is written FROM <image> or FROM <image> AS <name>")
    stage = words[2].lower() if named else ""
    if stage and not _STAGE_NAME.fullmatch(stage):
        hint = "begin with a letter; go on with letters, digits, - _ and ."
        raise written.refuse(f'"{shown(words[2])}" cannot name a stage', hint)
    flags = only_known(written.read.flags, {"platform": Kind.ONE})
    return From(
        span=written.span,
        text=written.text,
        image=words[0],
        image_span=written.span_at(written.read.rest_at),
        platform=flags.one("platform"),
        stage=stage,
    )


def _onbuild(written: Written) -> Onbuild:
    if not written.rest:
        raise written.too_few("write ONBUILD <instruction>")
    only_known(written.read.flags, {})
    # The configuration keeps the trigger as it is written, white space at its end and all.
    inner = first_word(written.line.text.lstrip(SPACES))[1].lstrip(SPACES)
    bodies = "".join(f"\n{body.content}{body.opening.name}" for body in written.line.bodies)
    trigger = inner + bodies
    try:
        _trigger(trigger, written.span)
    except Refused as refused:
        raise written.refuse(refused.what, refused.hint) from refused
    return Onbuild(span=written.span, text=f"ONBUILD {inner.rstrip(SPACES)}", trigger=trigger)


_READERS: Mapping[str, Callable[[Written], Instruction]] = {
    "ADD": copy,
    "ARG": settings.arg,
    "CMD": settings.command,
    "COPY": copy,
    "ENTRYPOINT": settings.command,
    "ENV": settings.env,
    "EXPOSE": settings.expose,
    "FROM": _from,
    "HEALTHCHECK": settings.healthcheck,
    "LABEL": settings.label,
    "MAINTAINER": settings.line_setting,
    "ONBUILD": _onbuild,
    "RUN": run,
    "SHELL": settings.shell,
    "STOPSIGNAL": settings.line_setting,
    "USER": settings.line_setting,
    "VOLUME": settings.volume,
    "WORKDIR": settings.workdir,
}
