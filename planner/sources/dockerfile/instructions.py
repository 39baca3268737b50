"""Turns logical lines into typed instructions; every mistake of a Dockerfile is reported at once.

Follows BuildKit's `frontend/dockerfile/instructions` (v0.32.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from planner.errors import DefinitionError, Mistake, one_of
from planner.model.image import Span
from planner.sources.dockerfile import lines as physical
from planner.sources.dockerfile.flags import Flags, Refused, take_flags
from planner.sources.dockerfile.mounts import parse_mount
from planner.sources.dockerfile.syntax import (
    Arg,
    Copy,
    Dockerfile,
    Env,
    From,
    Heredoc,
    Instruction,
    Label,
    Onbuild,
    Run,
    Setting,
    Workdir,
)
from planner.sources.dockerfile.words import json_words, name_values, plain_words

STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")


class _Context:
    """One logical line on its way to an instruction."""

    def __init__(self, line: physical.LogicalLine, keyword: str, rest: str, escape: str) -> None:
        self.span = line.span
        self.keyword = keyword
        self.rest = rest
        self.text = f"{keyword} {rest}".rstrip()
        self.heredocs = line.heredocs
        self.escape = escape


@lru_cache(maxsize=10_000)
def parse(data: bytes, file: str) -> Dockerfile:
    """Read a Dockerfile. Raises DefinitionError with all its mistakes.

    Remembered: a plan reads most Dockerfiles twice with the same bytes, now and at its baseline.
    """
    source = physical.read(data, file)
    mistakes: list[Mistake] = []
    found: list[Instruction] = []
    for line in source.lines:
        try:
            found.append(_instruction(line, source.directives.escape))
        except Refused as refused:
            mistakes.append(_mistake(refused, line.span, source.physical))
    mistakes.extend(_order_mistakes(found, file, source.physical))
    if mistakes:
        raise DefinitionError(sorted(mistakes, key=lambda mistake: mistake.line))
    return Dockerfile(file=file, directives=source.directives, instructions=tuple(found), lines=source.physical)


def parse_trigger(text: str, escape: str, span: Span) -> Instruction:
    """Read the instruction behind an ONBUILD. Raises DefinitionError."""
    line = physical.LogicalLine(text=text, span=span)
    try:
        return _instruction(line, escape)
    except Refused as refused:
        mistake = Mistake(file=span.file, line=span.line, what=refused.what, hint=refused.hint)
        raise DefinitionError([mistake]) from refused


def _mistake(refused: Refused, span: Span, lines: tuple[str, ...]) -> Mistake:
    return Mistake(
        file=span.file,
        line=span.line,
        column=span.column,
        what=refused.what,
        hint=refused.hint,
        source_line=lines[span.line - 1] if span.line <= len(lines) else "",
    )


def _order_mistakes(found: list[Instruction], file: str, lines: tuple[str, ...]) -> list[Mistake]:
    first = next((n for n, item in enumerate(found) if isinstance(item, From)), None)
    if first is None:
        return [Mistake(file=file, what="there is no FROM", hint="begin with FROM <image>, or FROM scratch")]
    early = [item for item in found[:first] if not isinstance(item, Arg)]
    refused = Refused("only ARG may stand before the first FROM", "move it below FROM")
    return [_mistake(refused, item.span, lines) for item in early]


def _instruction(line: physical.LogicalLine, escape: str) -> Instruction:
    keyword, _, rest = re.sub(r"\s", " ", line.text, count=1).partition(" ")
    keyword, rest = keyword.upper(), rest.strip()
    reader = _READERS.get(keyword)
    if reader is None:
        raise Refused(f"unknown instruction {keyword}", one_of(keyword, list(_READERS)))
    if not rest:
        raise Refused(f"{keyword} needs at least one argument")
    return reader(_Context(line, keyword, rest, escape))


def _from(line: _Context) -> From:
    flags, rest = take_flags(line.rest, {"platform"})
    _refuse_unknown(flags)
    words = rest.split()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
        raise Refused("FROM is written FROM <image> or FROM <image> AS <name>")
    stage = words[2].lower() if len(words) == 3 else ""
    if stage and not STAGE_NAME.fullmatch(stage):
        raise Refused(f'"{words[2]}" is no name for a stage', "use letters, digits, - _ and ., a letter first")
    span = Span(
        file=line.span.file,
        line=line.span.line,
        column=line.span.column + max(line.text.find(words[0]), 0),
        end_line=line.span.end_line,
    )
    return From(
        span=line.span,
        text=line.text,
        image=words[0],
        image_span=span,
        platform=flags.one("platform"),
        stage=stage,
    )


def _refuse_unknown(flags: Flags) -> None:
    if flags.unknown:
        raise Refused(f"unknown flag --{flags.unknown[0]}")


def _arg(line: _Context) -> Arg:
    pairs: list[tuple[str, str | None]] = []
    for word in plain_words(line.rest, line.escape):
        name, equals, value = word.partition("=")
        if not name:
            raise Refused("an ARG needs a name before the =")
        pairs.append((name, value if equals else None))
    return Arg(span=line.span, text=line.text, pairs=tuple(pairs))


def _env(line: _Context) -> Env:
    return Env(span=line.span, text=line.text, pairs=name_values(line.rest, line.escape, "ENV"))


def _label(line: _Context) -> Label:
    return Label(span=line.span, text=line.text, pairs=name_values(line.rest, line.escape, "LABEL"))


COPY_FLAGS = frozenset({"from", "chown", "chmod", "link", "parents", "exclude", "checksum", "keep-git-dir", "unpack"})
COPY_SWITCHES = frozenset({"link", "parents", "keep-git-dir", "unpack"})


def _copy(line: _Context) -> Copy:
    flags, rest = take_flags(line.rest, COPY_FLAGS, COPY_SWITCHES)
    words = json_words(rest)
    if words is None:
        words = tuple(rest.split())
    if len(words) < 2:
        raise Refused(f"{line.keyword} needs at least one source and a destination")
    heredoc_names = {doc.name for doc in line.heredocs}
    sources = tuple(word for word in words[:-1] if not _opens(word, heredoc_names))
    return Copy(
        span=line.span,
        text=_with_heredocs(line),
        keyword=line.keyword,
        sources=sources,
        destination=words[-1],
        heredocs=line.heredocs,
        from_=flags.one("from"),
        from_span=line.span if flags.one("from") else None,
        chown=flags.one("chown"),
        chmod=flags.one("chmod"),
        checksum=flags.one("checksum"),
        link=flags.switch("link"),
        parents=flags.switch("parents"),
        keep_git_dir=flags.switch("keep-git-dir"),
        unpack=flags.one("unpack"),
        excludes=flags.all("exclude"),
        flags=flags.written,
        unknown_flags=flags.unknown,
    )


def _opens(word: str, names: set[str]) -> bool:
    opened = physical.open_heredoc(word)
    return opened is not None and opened[0] in names


def _with_heredocs(line: _Context) -> str:
    """The instruction with its here-documents: they are part of what it says."""
    bodies = "".join(f"\n{doc.content}{doc.name}" for doc in line.heredocs)
    return line.text + bodies


RUN_FLAGS = frozenset({"mount", "network", "security", "device"})


def _run(line: _Context) -> Run:
    flags, rest = take_flags(line.rest, RUN_FLAGS)
    words = json_words(rest)
    if not rest and not line.heredocs:
        raise Refused("RUN needs a command")
    return Run(
        span=line.span,
        text=_with_heredocs(line),
        command=(rest,) if words is None else words,
        shell_form=words is None,
        mounts=tuple(parse_mount(text) for text in flags.all("mount")),
        heredocs=line.heredocs,
        network=flags.one("network"),
        security=flags.one("security"),
        flags=flags.written,
        unknown_flags=flags.unknown,
    )


def _workdir(line: _Context) -> Workdir:
    return Workdir(span=line.span, text=line.text, path=line.rest)


def _onbuild(line: _Context) -> Onbuild:
    inner = line.rest.split(None, 1)[0].upper()
    if inner in {"ONBUILD", "FROM", "MAINTAINER"}:
        raise Refused(f"ONBUILD may not hold {inner}")
    trigger = _trigger(line.rest, line.heredocs)
    return Onbuild(span=line.span, text=line.text, trigger=trigger)


def _trigger(rest: str, heredocs: tuple[Heredoc, ...]) -> str:
    return rest + "".join(f"\n{doc.content}{doc.name}" for doc in heredocs)


def _words_or_shell(line: _Context) -> Setting:
    """CMD, ENTRYPOINT, VOLUME and SHELL: a JSON list, or text."""
    words = json_words(line.rest)
    if words is None and line.keyword == "SHELL":
        raise Refused('SHELL needs the JSON form: SHELL ["executable", "parameters"]')
    if words is None:
        words = tuple(line.rest.split()) if line.keyword == "VOLUME" else (line.rest,)
        return Setting(span=line.span, text=line.text, keyword=line.keyword, words=words)
    return Setting(span=line.span, text=line.text, keyword=line.keyword, words=words, json_form=True)


def _split_setting(line: _Context) -> Setting:
    words = tuple(sorted(line.rest.split())) if line.keyword == "EXPOSE" else (line.rest,)
    return Setting(span=line.span, text=line.text, keyword=line.keyword, words=words)


def _healthcheck(line: _Context) -> Setting:
    flags = {"interval", "timeout", "start-period", "start-interval", "retries"}
    taken, rest = take_flags(line.rest, flags)
    _refuse_unknown(taken)
    if rest.split(None, 1)[:1] not in ([], ["NONE"], ["none"]) and rest.split()[0].upper() != "CMD":
        raise Refused("HEALTHCHECK is followed by CMD or NONE")
    return Setting(span=line.span, text=line.text, keyword=line.keyword, words=(*taken.written, rest), json_form=False)


_READERS: Mapping[str, Callable[[_Context], Instruction]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _words_or_shell,
    "COPY": _copy,
    "ENTRYPOINT": _words_or_shell,
    "ENV": _env,
    "EXPOSE": _split_setting,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _split_setting,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _words_or_shell,
    "STOPSIGNAL": _split_setting,
    "USER": _split_setting,
    "VOLUME": _words_or_shell,
    "WORKDIR": _workdir,
}
