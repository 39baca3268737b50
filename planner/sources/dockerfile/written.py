"""One instruction as it was written, with what the readers of the single instructions need of it."""

from __future__ import annotations

import re

from planner.model.frozen import dataclass
from planner.model.image import Span
from planner.sources.dockerfile.lines import Body, LogicalLine
from planner.sources.dockerfile.refusal import Refused
from planner.sources.dockerfile.statement import Statement

_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """`place` stands for every place in it where an instruction comes from elsewhere, as a trigger does."""

    line: LogicalLine
    read: Statement
    escape: str
    place: Span | None = None

    @property
    def keyword(self) -> str:
        """In upper case."""
        return self.read.keyword

    @property
    def text(self) -> str:
        """In its canonical form."""
        return self.read.text

    @property
    def rest(self) -> str:
        """What follows keyword and flags."""
        return self.read.rest

    @property
    def span(self) -> Span:
        """Where it starts."""
        return self.span_at(0)

    def span_at(self, at: int) -> Span:
        """Where one character of it stands."""
        return self.place or self.line.span(at)

    def refuse(self, what: str, hint: str = "") -> Refused:
        """Refuse what follows the flags."""
        return Refused(what, hint=hint, at=self.read.rest_at)

    def too_few(self, hint: str) -> Refused:
        """Refuse an instruction without arguments."""
        return Refused(f"{self.keyword} requires at least one argument", hint=hint)


def without_tabs(body: Body) -> str:
    """The content as `<<-` wants it."""
    return _LEADING_TABS.sub("", body.content)
