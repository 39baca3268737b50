"""Finds which here-documents an instruction opens, from its one line. Reads no content."""

from __future__ import annotations

import re

from planner.model.frozen import dataclass
from planner.sources.dockerfile.json_form import json_words
from planner.sources.dockerfile.lexer import Lexer, Quoting
from planner.sources.dockerfile.refusal import ExpansionError
from planner.sources.dockerfile.statement import statement

_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
_OPENING = re.compile(r"[0-9]*<<(-?)[\t\n\f\r ]*([^<]*)")
_LINE = Quoting(raw_quotes=True, raw_escapes=True, keep_unset=True)
_NAME = Quoting(keep_unset=True)
_NAME_AS_WRITTEN = Quoting(keep_unset=True, raw_quotes=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """`<<NAME`: `expand` unless a part of the name is quoted, `strip_tabs` for `<<-NAME`."""

    name: str
    expand: bool
    strip_tabs: bool


def openings(line: str, escape: str) -> tuple[Opening, ...]:
    """The here-documents that an instruction opens, in order. May raise ExpansionError or Refused."""
    if "<<" not in line or not _may_open(line, escape):
        return ()
    try:
        words = _words(line, _LINE)
    except ExpansionError:
        # BuildKit takes a line that no shell could split for one without here-documents.
        return ()
    found = (_opening(word) for word in words)
    return tuple(opening for opening in found if opening is not None)


def opening_of(word: str) -> Opening | None:
    """What a source or a command opens if it is `<<NAME` and nothing else."""
    try:
        return _opening(word)
    except ExpansionError:
        return None


def _may_open(line: str, escape: str) -> bool:
    read = statement(line, escape)
    if read.keyword == "ONBUILD":
        read = statement(read.rest, escape)
    return read.keyword in _KEYWORDS and json_words(read.rest) is None


def _opening(word: str) -> Opening | None:
    match = _OPENING.fullmatch(word)
    if not match or not match[2]:
        return None
    names = _words(match[2], _NAME)
    if len(names) != 1:
        return None
    as_written = _words(match[2], _NAME_AS_WRITTEN)
    if len(as_written) != 1:
        raise ExpansionError(f"<<{match[2]} is no name of a here-document")
    expand = _quotes(names[0]) == _quotes(as_written[0])
    return Opening(name=names[0], expand=expand, strip_tabs=bool(match[1]))


def _words(text: str, quoting: Quoting) -> list[str]:
    lexer = Lexer(text, {}, "\\", quoting)
    lexer.run()
    return lexer.words


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
