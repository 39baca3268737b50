"""Tells what the references of a family's Dockerfiles mean: an image of the graph, a named context, or an external."""

from __future__ import annotations

from planner.errors import Mistake, one_of
from planner.model.graph import ExternalImage, LocalFiles, Origin, ParentImage, RemoteFiles, Unresolved
from planner.model.image import Family, Image, ImageName
from planner.model.names import Index, Published, Reference, familiar, index_of, owner_of
from planner.sources.dockerfile_places import linked
from planner.sources.doubts import OF_IMAGE, ONBUILD, TAGS
from planner.sources.fetched import REMOTE, github, is_pinned_context

_PLATFORM = "::"
"""Stands before the platform that a named context is for (`NamedContext` of BuildKit's dockerui, v0.32.2)."""


class Origins:
    """The published names of one family, the names of its images, and what its definition leaves open."""

    def __init__(self, family: Family, published: Index) -> None:
        self.published = published
        self.names = frozenset(image.name for image in family.images)
        self._doubts = {(one.image, one.reference): one for one in family.doubts if one.role not in OF_IMAGE}
        self._handed_on = {one.reference: one for one in family.doubts if one.role == ONBUILD}
        self._contested = [(Published.parse(text), owners) for text, owners in family.contested]
        self._malformed = {one.reference: one.image for one in family.doubts if one.role == TAGS}

    def contexts(self, image: Image) -> dict[str, str]:
        """Named contexts by the name that BuildKit looks for; one for a platform alone goes before one for all."""
        found = {familiar(name): value for name, value in image.contexts if _PLATFORM not in name}
        for name, _ in image.contexts:
            if _PLATFORM in name:
                found[familiar(name.partition(_PLATFORM)[0])] = f"{_PLATFORM}{name}"
        return found

    def origin(self, image: Image, reference: str) -> Origin:
        """What a reference means for an image: a named context, an image of the graph, or an external."""
        contexts = self.contexts(image)
        if familiar(reference) in contexts:
            return self._context(image, contexts[familiar(reference)])
        return self._image(image, reference)

    def _image(self, image: Image, reference: str) -> Origin:
        try:
            parsed = Reference.parse(reference)
        except ValueError as error:
            # Who is meant by a malformed name that an image declares is clear; its declaration stops every plan.
            if reference in self._malformed:
                return ParentImage(name=self._malformed[reference])
            return Unresolved(reason=str(error), hint="check the reference and the ARGs in it")
        doubt = self._doubts.get((image.name, reference)) or self._handed_on.get(reference)
        if doubt is not None:
            return Unresolved(reason=doubt.reason, hint=doubt.hint)
        for name, owners in self._contested:
            if name.answers(parsed):
                hint = "give each image a name of its own"
                return Unresolved(reason=f"{' and '.join(owners)} are all published as {name}", hint=hint)
        owner = owner_of(self.published, parsed)
        if owner is not None and owner != image.name:
            return ParentImage(name=ImageName(owner))
        return ExternalImage(reference=str(parsed))

    def _context(self, image: Image, value: str) -> Origin:
        if value.startswith(_PLATFORM):
            reason = f'the named context "{value.removeprefix(_PLATFORM)}" is for one platform'
            return Unresolved(reason=reason, hint=f"name it without {_PLATFORM}, and make an image for each platform")
        if value.startswith("target:"):
            name = value.removeprefix("target:")
            if name in self.names:
                return ParentImage(name=ImageName(name))
            return Unresolved(reason=f'no image is named "{name}"', hint=one_of(name, sorted(self.names)))
        if value.startswith("docker-image://"):
            return self._image(image, value.removeprefix("docker-image://"))
        folder = local_folder(value)
        if folder is None:
            url = github(value) if value.startswith("github.com/") else value
            return RemoteFiles(url=url, pinned=is_pinned_context(url))
        if folder == "\0":
            return Unresolved(reason=f'the named context "{value}" leads out of the workspace')
        return LocalFiles(folder=folder)


def local_folder(value: str) -> str | None:
    """The workspace folder that a named context is, "." for the workspace itself; "\\0" where it leads out.

    None for an image or a remote.
    """
    if "://" in value or value.startswith("target:") or REMOTE.match(value):
        return None
    return linked("x", value) or "."


def published_by(family: Family, mistakes: list[Mistake]) -> Index:
    """The names that the images are known by; one that two images claim is a mistake."""
    names: list[tuple[Published, str]] = []
    owners: dict[Published, Image] = {}
    for image in family.images:
        for text in (*([f"{family.registry}/{image.name}"] if family.registry else []), *image.tags):
            try:
                entry = Published.parse(text)
            except ValueError as error:
                hint = "names under a registry are in lower case"
                mistakes.append(Mistake(file=image.span.file, line=image.span.line, what=str(error), hint=hint))
                continue
            first = owners.setdefault(entry.in_full, image)
            if first.name != image.name:
                what = f'"{image.name}" and "{first.name}" (line {first.span.line}) are both published as {text}'
                hint = "give each image a tag of its own"
                mistakes.append(Mistake(file=image.span.file, line=image.span.line, what=what, hint=hint))
            names.append((entry, image.name))
    return index_of(dict.fromkeys(names))
