"""Cuts the native syntax of HCL into tokens, one at a time and by the rules of where the reader is.

Written by hand because the text itself decides what is read next: inside quotes, heredocs and `${…}` other rules
hold than outside, and a line's end counts or not by the bracket that it stands in. A grammar for lark would need a
lexer of our own for all of that, and python-hcl2 gives neither places nor templates that are exact.
"""

from __future__ import annotations

import re

from planner.sources.doors.bake.trouble import Source, TooMuch, Wrong

MAX_DEPTH = 60
"""How deep brackets, blocks and operators may be nested, and how many may follow one another."""

_COMMENT = r"\#[^\n]*|//[^\n]*|/\*(?s:.*?)\*/"
_MARKS = r"""(?P<name>[^\W\d](?:[\w-])*)
      | (?P<number>\d(?:(?:\d|\.|[eE][+-]?\d)*(?:\d|[eE][+-]?\d))?)
      | (?P<plain>"(?:[^"\\$%\n]|\$(?!\{)|%(?!\{))*")
      | (?P<heredoc><<-?[^\W\d][\w-]*\r?\n)
      | (?P<line>\r?\n)
      | (?P<mark>==|!=|>=|<=|&&|\|\||::|\.\.\.|=>|~\}|[][().,*/%+=<>!?:{}"-])
      | (?P<end>\Z)"""
_ON_A_LINE = re.compile(rf"(?:[ \t]|{_COMMENT})*+(?:{_MARKS})", re.VERBOSE)
_OVER_LINES = re.compile(rf"(?:[ \t\r\n]|{_COMMENT})*+(?:{_MARKS})", re.VERBOSE)
_SPACE = re.compile(rf"(?:[ \t\r\n]|{_COMMENT})*", re.VERBOSE)


class Tokens:
    """Reads one text. `kind` and `text` are the token at hand, `start` and `end` where it stands."""

    def __init__(self, source: Source, at: int = 0, *, text: str | None = None) -> None:
        self.source = source
        self.code = source.text if text is None else text
        self.shift = at
        """What is added to offsets of a text that stands inside another one, as templates in JSON do."""
        self.position = 0
        self.depth = 0
        self.lines = [True]
        self.kind = self.text = ""
        self.start = self.end = 0

    def advance(self) -> None:
        """Go on to the next token. Raises Wrong for what is none."""
        found = (_ON_A_LINE if self.lines[-1] else _OVER_LINES).match(self.code, self.position)
        if found is None:
            space = _SPACE.match(self.code, self.position)
            at = space.end() if space and space.end() < len(self.code) else self.position
            raise self.wrong(f"{self.code[at]!r} cannot stand here", at)
        self.kind = kind = found.lastgroup or ""
        self.text = found[kind]
        self.start = found.start(kind)
        self.position = self.end = found.end()

    def wrong(self, what: str, at: int | None = None, hint: str = "") -> Wrong:
        """An error at the token at hand, or elsewhere."""
        return Wrong(what, self.shift + (self.start if at is None else at), hint, self.source)

    def expect(self, mark: str, what: str) -> None:
        """Go past a mark that must stand here."""
        if self.text != mark or self.kind != "mark":
            raise self.wrong(f"{self.shown()} cannot stand here: {what} needs {mark}")
        self.advance()

    def is_mark(self, mark: str) -> bool:
        """Whether this mark is at hand."""
        return self.kind == "mark" and self.text == mark

    def shown(self) -> str:
        """The token at hand, for messages."""
        names = {"end": "the end", "line": "the end of the line"}
        return names.get(self.kind, f'"{self.text[:40]}"')

    def open(self, *, lines: bool) -> None:
        """Go past an opening bracket, inside of which lines count or not."""
        self.deeper(self.start)
        self.lines.append(lines)
        self.advance()

    def close(self, mark: str, what: str) -> None:
        """Go past a closing bracket."""
        if not self.is_mark(mark):
            raise self.wrong(f"{self.shown()} cannot stand here: {what} needs {mark}")
        self.depth -= 1
        self.lines.pop()
        self.advance()

    def deeper(self, at: int) -> None:
        """Count one level of nesting. Raises TooMuch."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooMuch(f"is nested more than {MAX_DEPTH} deep", self.shift + at, source=self.source)

    def counted(self, count: int, what: str) -> int:
        """One more of what follows one another. Raises TooMuch."""
        if count >= MAX_DEPTH:
            raise TooMuch(f"has more than {MAX_DEPTH} {what} in a row", self.shift + self.start, source=self.source)
        return count + 1
