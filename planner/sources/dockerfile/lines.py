"""Turns the bytes of a Dockerfile into logical lines: continuations joined, comments dropped, here-documents kept.

Follows BuildKit's `frontend/dockerfile/parser` (v0.32.2): directives only at the very top, comments and blank lines
allowed inside a continued instruction, here-documents for ADD, COPY and RUN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from planner.errors import DefinitionError, Mistake
from planner.model.image import Span
from planner.sources.dockerfile.syntax import Directives, Heredoc

MAX_BYTES = 4 << 20
HEREDOC_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]*)")
_KNOWN = frozenset({"syntax", "escape", "check"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LogicalLine:
    """One instruction as written: `text` has no continuation marks, comments or outer white space."""

    text: str
    span: Span
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A Dockerfile in logical lines; `physical` are its lines as they stand, for messages."""

    directives: Directives
    lines: tuple[LogicalLine, ...]
    physical: tuple[str, ...]


def read(data: bytes, file: str) -> Source:
    """Split a Dockerfile. Raises DefinitionError for bytes that are not UTF-8 and unended here-documents."""
    physical = _physical(data, file)
    directives = _directives(physical, file)
    lines = tuple(_logical(physical, directives.escape, file))
    return Source(directives=directives, lines=lines, physical=tuple(physical))


def _physical(data: bytes, file: str) -> list[str]:
    if len(data) > MAX_BYTES:
        raise DefinitionError([Mistake(file=file, what=f"longer than {MAX_BYTES} bytes: no Dockerfile is")])
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte {data[error.start]:#04x} is not UTF-8"
        raise DefinitionError([Mistake(file=file, line=line, what=what, hint="save it as UTF-8")]) from error
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _directives(lines: list[str], file: str) -> Directives:
    found: dict[str, str] = {}
    span: Span | None = None
    for number, line in enumerate(lines, 1):
        match = _DIRECTIVE.fullmatch(line.strip())
        if not match or match[1].lower() not in _KNOWN:
            break
        name = match[1].lower()
        if name in found:
            raise DefinitionError([_at(file, number, line, f'the directive "{name}" is given twice')])
        if name == "escape" and match[2] not in ("\\", "`"):
            raise DefinitionError([_at(file, number, line, r"escape must be \ or `")])
        if name == "syntax":
            span = Span(file=file, line=number)
        found[name] = match[2]
    return Directives(
        syntax=found.get("syntax", ""),
        escape=found.get("escape", "\\"),
        check=found.get("check", ""),
        syntax_span=span,
    )


def _at(file: str, line: int, text: str, what: str, hint: str = "") -> Mistake:
    return Mistake(file=file, line=line, column=1, what=what, hint=hint, source_line=text)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _logical(lines: list[str], escape: str, file: str) -> Iterator[LogicalLine]:
    continued = re.compile(rf"([^{re.escape(escape)}])?{re.escape(escape)}[ \t]*$|^{re.escape(escape)}[ \t]*$")
    at = 0
    while at < len(lines):
        if not lines[at].strip() or _is_comment(lines[at]):
            at += 1
            continue
        start = at
        pieces: list[str] = []
        column = len(lines[at]) - len(lines[at].lstrip()) + 1
        more = True
        while more and at < len(lines):
            line = lines[at] if pieces else lines[at].lstrip()
            at += 1
            if pieces and (_is_comment(line) or not line.strip()):
                continue
            cut = _continuation(line, escape, continued)
            more = cut is not None
            pieces.append(line if cut is None else cut)
        text = "".join(pieces).strip()
        heredocs, at = _heredocs(text, lines, at, start, file)
        if text:
            span = Span(file=file, line=start + 1, column=column, end_line=at)
            yield LogicalLine(text=text, span=span, heredocs=heredocs)


def _continuation(line: str, escape: str, continued: re.Pattern[str]) -> str | None:
    """The line without its continuation mark, None where it has none; an escaped mark is none."""
    bare = line.rstrip(" \t")
    if not bare.endswith(escape) or not continued.search(line):
        return None
    return bare[: -len(escape)]


def _heredocs(text: str, lines: list[str], at: int, start: int, file: str) -> tuple[tuple[Heredoc, ...], int]:
    words = text.split(None, 2)
    keyword = words[0].upper() if words else ""
    if keyword == "ONBUILD" and len(words) > 1:
        keyword = words[1].upper()
    if keyword not in HEREDOC_KEYWORDS or "<<" not in text:
        return (), at
    found: list[Heredoc] = []
    for word in shell_words(text):
        opened = open_heredoc(word)
        if opened is None:
            continue
        name, expand, chomp = opened
        body: list[str] = []
        while True:
            if at >= len(lines):
                what = f"the here-document <<{name} never ends"
                hint = f'end it with a line that holds only "{name}"'
                raise DefinitionError([_at(file, start + 1, lines[start], what, hint)])
            line = lines[at].lstrip("\t") if chomp else lines[at]
            at += 1
            if line == name:
                break
            body.append(line + "\n")
        found.append(Heredoc(name=name, content="".join(body), expand=expand))
    return tuple(found), at


def open_heredoc(word: str) -> tuple[str, bool, bool] | None:
    """Name, whether its body is expanded, and whether tabs are stripped, when a word opens a here-document."""
    match = _HEREDOC.fullmatch(word)
    if not match or not match[2]:
        return None
    raw = match[2]
    name = re.sub(r"\\(.)|[\"']", lambda part: part[1] or "", raw)
    return (name, name == raw, bool(match[1])) if name else None


def shell_words(text: str) -> Iterator[str]:
    """Split at white space outside quotes, quotes kept: where a here-document may begin."""
    word: list[str] = []
    quote = ""
    letters = iter(text)
    for letter in letters:
        if letter == "\\" and quote != "'":
            word.append(letter + next(letters, ""))
        elif quote:
            word.append(letter)
            if letter == quote:
                quote = ""
        elif letter.isspace():
            if word:
                yield "".join(word)
            word = []
        else:
            if letter in "\"'":
                quote = letter
            word.append(letter)
    if word:
        yield "".join(word)
