"""Which frontend reads a Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.model.image import Image
from planner.model.names import Reference

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
