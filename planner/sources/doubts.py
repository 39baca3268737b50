"""Tells where the definition of a family leaves open what an image reads, although every reference has a value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from planner.model.graph import ParentImage, Unresolved, Use
from planner.model.image import Doubt, Image, ImageName, Span
from planner.sources.dockerfile.named_by import named_by
from planner.sources.dockerfile.stages import Staged
from planner.sources.dockerfile.syntax import From

CONTEXT = "context"
TAGS = "tags"
ONBUILD = "ONBUILD"
DOCKERFILE = "Dockerfile"
OF_IMAGE = frozenset({CONTEXT, TAGS})
"""The roles of doubts about an image itself: its build context, a published name that is none.

What an image lets others read (`ONBUILD`) is read by those that start from it, whatever they are called. A Dockerfile
with mistakes (`Dockerfile`) is of an image that the family lacks because of them.
"""


NOWHERE = Span(file="", line=0)


def alike(images: Sequence[Image]) -> Mapping[ImageName, tuple[ImageName, ...]]:
    """Images that differ in nothing but their names and tags from others, each with all of its kind."""
    groups: dict[Image, list[ImageName]] = defaultdict(list)
    for image in images:
        nameless = replace(image, name=ImageName(""), span=NOWHERE, tags=())
        groups[nameless].append(image.name)
    return {name: tuple(group) for group in groups.values() if len(group) > 1 for name in group}


def chosen_by_none(use: Use, image: Image, whole: Staged, group: Sequence[ImageName]) -> Use:
    """The use, unresolved where an argument that nobody gives chooses the parent of several images declared alike.

    Why would there be several of them, if not for other values of that argument? Their definition lacks it.
    """
    if use.role != "FROM" or not isinstance(use.origin, ParentImage):
        return use
    heads = (item for item in whole.dockerfile.instructions if isinstance(item, From))
    written = next((head.image for head in heads if head.image_span == use.span), "")
    given = dict(image.args)
    escape = whole.dockerfile.directives.escape
    names = [name for name in named_by(written, whole.global_args, escape) if name not in given]
    if not names:
        return use
    listed = ", ".join(group[:5]) + (", …" if len(group) > 5 else "")
    argument = " and ".join(names)
    reason = f"{listed} are declared alike, and none says which base argument {argument} chooses"
    hint = f"give each its {argument} under args:, or declare one image with all their tags"
    return replace(use, origin=Unresolved(reason=reason, hint=hint))


def of_image(name: ImageName, doubts: Sequence[Doubt]) -> Iterator[Use]:
    """What is in doubt about an image itself, as uses that nothing answers."""
    for doubt in doubts:
        if doubt.image == name and doubt.role in OF_IMAGE:
            origin = Unresolved(reason=doubt.reason, hint=doubt.hint)
            yield Use(role=doubt.role, reference=doubt.reference, span=doubt.span, origin=origin)
