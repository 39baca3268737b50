"""Takes published names away from images where several claim them, for definitions that allow that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.model.image import Image, ImageName
from planner.model.names import Published

Contested = tuple[tuple[str, tuple[ImageName, ...]], ...]
"""Published names, each with the images that claim it."""


def apart(images: Sequence[Image]) -> tuple[tuple[Image, ...], Contested]:
    """The images without the names that several claim, and those names: whoever reads one reads it is not known whose.

    All tags must be names.
    """
    claims: dict[Published, dict[ImageName, str]] = {}
    for image in images:
        for text in image.tags:
            claims.setdefault(Published.parse(text).in_full, {}).setdefault(image.name, text)
    fought = {name: owners for name, owners in claims.items() if len(owners) > 1}
    if not fought:
        return tuple(images), ()
    kept = tuple(
        replace(image, tags=tuple(text for text in image.tags if Published.parse(text).in_full not in fought))
        for image in images
    )
    return kept, tuple((next(iter(owners.values())), tuple(owners)) for owners in fought.values())
