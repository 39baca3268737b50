"""What can be wrong in a Bake file, and where: texts with their lines, and the errors that expressions end in."""

from __future__ import annotations

import bisect
import re

from planner.errors import Mistake
from planner.model.image import Span


def plain(text: str) -> str:
    """A text as it can be shown: what would move a terminal's cursor is written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class Source:
    """The text of one file. Places in it are offsets into the text."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts: list[int] = []

    def line_and_column(self, at: int) -> tuple[int, int]:
        """Where an offset is, both counted from 1."""
        if not self._starts:
            self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        line = bisect.bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def span(self, at: int) -> Span:
        """An offset as a place that records carry."""
        line, column = self.line_and_column(at)
        return Span(file=self.file, line=line, column=column)

    def mistake(self, what: str, at: int, hint: str = "") -> Mistake:
        """A mistake at an offset, with its line."""
        line, column = self.line_and_column(min(at, len(self.text)))
        start = self._starts[line - 1]
        end = self.text.find("\n", start)
        shown = self.text[start : len(self.text) if end < 0 else end][:300]
        shown = "".join(letter if letter.isprintable() else " " for letter in shown)
        return Mistake(file=self.file, what=plain(what), line=line, column=column, hint=plain(hint), source_line=shown)


class Wrong(Exception):
    """Something that an expression cannot do. Whoever knows the file of the expression fills in `source`."""

    def __init__(self, what: str, at: int = -1, hint: str = "", source: Source | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.hint = hint
        self.source = source

    def placed(self, source: Source, at: int) -> Wrong:
        """The same, in this file and at this offset where it is not known to be elsewhere."""
        if self.source is None:
            self.source = source
            if self.at < 0:
                self.at = at
        return self

    @property
    def mistake(self) -> Mistake:
        """What is told to people."""
        if self.source is None:
            return Mistake(file="docker-bake.hcl", what=plain(self.what), hint=plain(self.hint))
        return self.source.mistake(self.what, max(self.at, 0), self.hint)


class TooMuch(Wrong):
    """A limit that is reached, or a cycle: no `try()` goes on after it."""


class Volatile(Wrong):
    """A function that gives something else each time. A variable whose value is given may have it as its default."""
