"""Signals that one piece of a Dockerfile cannot be read; whoever knows the place turns them into a `Mistake`."""

from __future__ import annotations

from collections.abc import Sequence

from planner.errors import Mistake
from planner.model.image import Span

MAX_SHOWN = 200


class ExpansionError(Exception):
    """A text whose variables cannot be expanded; callers add the place."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class Refused(Exception):
    """An instruction that cannot be read. `at` counts characters into the logical line."""

    def __init__(self, what: str, *, hint: str = "", at: int = 0) -> None:
        self.what = what
        self.hint = hint
        self.at = at
        super().__init__(what)


def shown(text: str, limit: int = 60) -> str:
    """A piece of an untrusted text, short and printable, for a message."""
    clean = "".join(
        char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text[: limit + 1]
    )
    return clean if len(text) <= limit else clean[:limit] + "…"


def mistake_at(lines: Sequence[str], span: Span, what: str, hint: str = "") -> Mistake:
    """The mistake at a place, with the line of the file that it is about."""
    line = lines[span.line - 1] if 0 < span.line <= len(lines) else ""
    return Mistake(
        file=span.file,
        line=span.line,
        column=span.column,
        what=what,
        hint=hint,
        source_line=shown(line, MAX_SHOWN) if len(line) <= MAX_SHOWN else "",
    )
