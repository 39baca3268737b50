"""Finds names of arguments, labels and contexts that a build, which gets NAME=VALUE, would take for other ones."""

from __future__ import annotations

from collections.abc import Iterator

from planner.errors import Mistake
from planner.model.image import Family


def misread_names(family: Family) -> Iterator[Mistake]:
    """Every name with a `=` in it: what stands before it would be the name, which no key counts."""
    for image in family.images:
        for room, pairs in (("args", image.args), ("labels", image.labels), ("contexts", image.contexts)):
            for name, _ in pairs:
                before, equals, _ = name.partition("=")
                if equals:
                    what = f'{image.name}: {room}: "{name}" would be given to the build as {before or "no name"}'
                    hint = "a name has no = in it"
                    yield Mistake(file=image.span.file, line=image.span.line, what=what, hint=hint)
