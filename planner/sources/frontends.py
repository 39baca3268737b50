"""Which frontend reads a Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.model.image import Family, Image
from planner.model.names import Reference, owner_of
from planner.sources.origins import published_by

if TYPE_CHECKING:
    from planner.sources.dockerfile.syntax import Directives

SYNTAX = "BUILDKIT_SYNTAX"
"""The build argument that names a frontend in the place of `# syntax=`."""


def frontend_of(image: Image, directives: Directives) -> str:
    """The frontend that reads an image's Dockerfile as it is written; "" for the engine's own."""
    return dict(image.args).get(SYNTAX, directives.syntax)


def reference_of(frontend: str) -> str:
    """The image of a frontend in Docker's normal form, as a lock has it; "" where it names none."""
    words = frontend.split()
    try:
        return str(Reference.parse(words[0])) if words else ""
    except ValueError:
        return ""


def built_here(frontend: str, family: Family) -> str:
    """The image of the family that a frontend's reference means by a name; "" for a frontend from outside."""
    name = reference_of(frontend)
    if not name or "@" in name:
        return ""
    return owner_of(published_by(family, []), Reference.parse(name)) or ""
