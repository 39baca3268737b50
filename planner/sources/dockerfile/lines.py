"""Turns the bytes of a Dockerfile into logical lines: continuations joined, comments gone, here-documents attached.

Follows frontend/dockerfile/parser/parser.go of BuildKit v0.32.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.errors import DefinitionError, Mistake
from planner.model.frozen import dataclass
from planner.model.image import Span
from planner.sources.dockerfile.heredocs import Opening, openings
from planner.sources.dockerfile.refusal import ExpansionError, Refused
from planner.sources.go_match import SPACES

MAX_BYTES = 4 * 1024 * 1024
MAX_LINE = 65_535
"""BuildKit's own limit on one physical line, in bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """A here-document with the lines that belong to it, as written."""

    opening: Opening
    content: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one physical line gives to a logical one: from the character `at` on, its text from `column` on."""

    at: int
    line: int
    column: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LogicalLine:
    """One instruction as one line. `problem` says why its here-documents could not be read."""

    file: str
    text: str
    pieces: tuple[_Piece, ...]
    end_line: int
    bodies: tuple[Body, ...] = ()
    problem: str = ""

    def span(self, at: int = 0) -> Span:
        """Where the character `at` of the text stands in the file."""
        piece = next(piece for piece in reversed(self.pieces) if piece.at <= at)
        column = piece.column + at - piece.at
        return Span(file=self.file, line=piece.line, column=column, end_line=self.end_line)


def physical_lines(data: bytes, file: str) -> tuple[str, ...]:
    """The lines without their line feeds; carriage returns stay. Raises DefinitionError."""
    if len(data) > MAX_BYTES:
        raise DefinitionError([Mistake(file=file, what=f"a Dockerfile of more than {MAX_BYTES} bytes is not read")])
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise DefinitionError([Mistake(file=file, line=line, what=what, hint="save the file as UTF-8")]) from error
    lines = tuple(text.removesuffix("\n").split("\n")) if text else ()
    long = [n for n, line in enumerate(lines, 1) if 4 * len(line) > MAX_LINE and len(line.encode()) > MAX_LINE]
    if long:
        what = f"the line is longer than {MAX_LINE} bytes"
        raise DefinitionError([Mistake(file=file, line=n, what=what, hint="continue it on a new line") for n in long])
    return lines


def logical_lines(lines: Sequence[str], file: str, escape: str) -> Iterator[LogicalLine]:
    """The instructions in order; after one whose here-document never ends there is none."""
    reader = _Reader(lines, file, escape)
    while reader.at < len(lines):
        line = reader.logical_line()
        if line is not None:
            yield line


class _Reader:
    """Goes through the physical lines; `at` is the next one."""

    def __init__(self, lines: Sequence[str], file: str, escape: str) -> None:
        self.lines = lines
        self.file = file
        self.escape = escape
        self.at = 0

    def _take(self) -> str:
        self.at += 1
        return self.lines[self.at - 1]

    def logical_line(self) -> LogicalLine | None:
        """The next instruction, or None for a line that holds none."""
        line = self._take().rstrip("\r")
        first, ended = self._without_mark("" if _is_comment(line) else line.lstrip(SPACES))
        if ended and not first:
            return None
        pieces = [_Piece(0, self.at, len(line) - len(line.lstrip(SPACES)) + 1)]
        text = [first]
        size = len(first)
        while not ended and self.at < len(self.lines):
            line = self._take().rstrip("\r")
            if _is_comment(line) or not line.strip(SPACES):
                continue
            part, ended = self._without_mark(line)
            pieces.append(_Piece(size, self.at, 1))
            text.append(part)
            size += len(part)
        return self._with_bodies("".join(text), tuple(pieces))

    def _without_mark(self, line: str) -> tuple[str, bool]:
        """The line without its continuation mark, and whether the instruction ends here."""
        bare = line.rstrip("\t ")
        if not bare.endswith(self.escape) or bare[:-1].endswith(self.escape):
            return line, True
        return bare[:-1], False

    def _with_bodies(self, text: str, pieces: tuple[_Piece, ...]) -> LogicalLine:
        bodies: list[Body] = []
        problem = ""
        try:
            for opening in openings(text, self.escape):
                bodies.append(self._body(opening))
        except ExpansionError as error:
            problem = error.message
        except Refused as refused:
            problem = refused.what
        return LogicalLine(
            file=self.file, text=text, pieces=pieces, end_line=self.at, bodies=tuple(bodies), problem=problem
        )

    def _body(self, opening: Opening) -> Body:
        content: list[str] = []
        while self.at < len(self.lines):
            line = self._take()
            end = line.rstrip("\r")
            if (end.lstrip("\t") if opening.strip_tabs else end) == opening.name:
                return Body(opening=opening, content="".join(content))
            content.append(f"{line}\n")
        raise Refused(f"the here-document <<{opening.name} never ends: no line holds only {opening.name}")


def _is_comment(line: str) -> bool:
    return line.lstrip(SPACES).startswith("#")
