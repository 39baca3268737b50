"""Tells which images may read which: those of a package that an image is visible to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.errors import Mistake
from planner.model.graph import ParentImage, Use
from planner.model.image import Image, ImageName


def may_read(package: str, visibility: tuple[str, ...]) -> bool:
    """Whether images of a package may read what is visible to these packages; to all where none is named."""
    return not visibility or any(_covers(entry[2:], package) for entry in visibility)


def _covers(entry: str, package: str) -> bool:
    if not entry.endswith("..."):
        return package == entry
    above = entry.removesuffix("...").removesuffix("/")
    return not above or package == above or package.startswith(f"{above}/")


def hidden(image: Image, package: str) -> str:
    """What to say where a package may not read an image."""
    return f"{image.label} ({image.span}) is not visible to //{package}"


def readable_by(image: Image) -> str:
    """Who may read an image, as a hint."""
    return f"it is visible to {', '.join(image.visibility)}: name the package in its visibility"


def hidden_uses(images: Mapping[ImageName, Image], uses: Mapping[ImageName, tuple[Use, ...]]) -> Iterator[Mistake]:
    """Every use of an image that its user may not read."""
    if not any(image.visibility for image in images.values()):
        return
    for name, found in uses.items():
        package = images[name].package
        for use in found:
            parent = images.get(use.origin.name) if isinstance(use.origin, ParentImage) else None
            if parent is not None and not may_read(package, parent.visibility):
                yield Mistake(
                    file=use.span.file,
                    line=use.span.line,
                    column=use.span.column,
                    what=f"{use.role} {use.reference}: {hidden(parent, package)}, of {images[name].label}",
                    hint=readable_by(parent),
                )
