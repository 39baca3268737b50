"""Collects what is wrong in the files of one Compose project, each with its place and its line."""

from __future__ import annotations

from planner.errors import DefinitionError, Mistake
from planner.model.frozen import dataclass, field
from planner.model.image import Span


@dataclass(frozen=True)
class Mistakes:
    """What was found wrong so far, and the lines of the files that were read."""

    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    found: list[Mistake] = field(default_factory=list)

    def wrong(self, place: Span, what: str, hint: str = "") -> None:
        """Keep a mistake at a place."""
        lines = self.lines.get(place.file, ())
        shown = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
        self.found.append(
            Mistake(file=place.file, line=place.line, column=place.column, what=what, hint=hint, source_line=shown)
        )

    def stop(self) -> None:
        """Raises DefinitionError where there is any."""
        if self.found:
            raise DefinitionError(sorted(set(self.found), key=lambda one: (one.file, one.line, one.column)))
