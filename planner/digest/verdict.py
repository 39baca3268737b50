"""Turns a path of the workspace and an image into why the image reads it, or why not, selection by selection."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from planner.digest.build_policy import policy_places
from planner.digest.context_tree import ContextTree
from planner.digest.files import find
from planner.digest.ignore_file import ignore_file
from planner.digest.listing import files_of
from planner.digest.manifest import Manifests
from planner.model.frozen import dataclass
from planner.model.image import Image, ImageName, Span
from planner.model.selection import Selection
from planner.sources.ignore_rules import IgnoreRules


class Ruling(enum.StrEnum):
    """What a path is to an image. The values stand in JSON."""

    READ = "read"
    DOCKERFILE = "dockerfile"
    PARENT = "read-by-a-parent"
    OUTSIDE = "outside-the-context"
    IGNORED = "ignored"
    EXCLUDED = "excluded"
    NOT_SELECTED = "not-selected"
    STAGE_NOT_REACHED = "stage-not-reached"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A ruling, with the line that decides it (of the ignore file, or of the instruction) and a sentence."""

    ruling: Ruling
    sentence: str
    where: Span | None = None


def verdict(maker: Manifests, name: ImageName, path: str) -> Verdict:
    """What a file of the workspace is to an image, by the stages that its target reaches."""
    image = maker.loaded.graph.nodes[name].image
    if path == image.dockerfile:
        sentence = "it is the Dockerfile: its instructions count, its comments and white space do not"
        return Verdict(ruling=Ruling.DOCKERFILE, sentence=sentence)
    if path in policy_places(image, maker.tree):
        sentence = "buildx holds the build to a policy that stands there"
        return Verdict(ruling=Ruling.READ, sentence=sentence, where=image.span)
    judged = [_judged(maker, context, selection, span, path) for context, selection, span in _selections(maker, image)]
    judged.extend(_ruled_by(maker, image, path))
    order = (Ruling.READ, Ruling.EXCLUDED, Ruling.IGNORED, Ruling.NOT_SELECTED)
    for ruling in order:
        found = next((one for one in judged if one.ruling is ruling), None)
        if found is not None:
            return found
    return _without_selection(maker, image, path)


def _ruled_by(maker: Manifests, image: Image, path: str) -> Iterator[Verdict]:
    """That a path is an ignore file of what is selected, or would be one: its rules count wherever it stands."""
    for _, selection, span in _selections(maker, image):
        if path in ignore_file(maker.traced, image, selection.context).looked:
            sentence = "it is an ignore file: its rules count, its comments and blank lines do not"
            yield Verdict(ruling=Ruling.READ, sentence=sentence, where=span)


def _selections(maker: Manifests, image: Image) -> Iterator[tuple[ContextTree, Selection, Span]]:
    seen: set[tuple[Selection, int]] = set()
    for platform in image.platforms:
        for step in maker.loaded.evaluations[image.name, platform].steps:
            for selection in step.selections:
                if (selection, step.span.line) not in seen:
                    seen.add((selection, step.span.line))
                    yield maker.context(image, selection.context), selection, step.span


def _judged(maker: Manifests, context: ContextTree, selection: Selection, span: Span, path: str) -> Verdict:
    inside = _inside(context, path)
    if inside is None:
        return _outside(context)
    ignored = _ignored(maker, context, inside)
    if ignored is not None:
        return ignored
    if inside in dict(files_of(context, selection)):
        return Verdict(ruling=Ruling.READ, sentence="it is selected", where=span)
    excluded = _excluded(context, selection, inside)
    if excluded:
        return Verdict(ruling=Ruling.EXCLUDED, sentence=f"--exclude={excluded} leaves it out", where=span)
    return _unselected()


def _excluded(context: ContextTree, selection: Selection, inside: str) -> str:
    """The `--exclude` that takes a path out of what the selection else would hold; judged below each source."""
    if not selection.excludes:
        return ""
    rules = IgnoreRules.of(selection.excludes, "--exclude")
    for root in find(context, selection).roots:
        if not root or inside.startswith(f"{root}/"):
            rule = rules.deciding(inside[len(root) :].lstrip("/"))
            if rule is not None:
                return rule.text
    return ""


def _without_selection(maker: Manifests, image: Image, path: str) -> Verdict:
    context = maker.context(image, "")
    inside = _inside(context, path)
    if inside is None:
        return _outside(context)
    return _ignored(maker, context, inside) or _unselected()


def _inside(context: ContextTree, path: str) -> str | None:
    if not context.root:
        return path
    return path[len(context.root) + 1 :] if path.startswith(f"{context.root}/") else None


def _outside(context: ContextTree) -> Verdict:
    return Verdict(ruling=Ruling.OUTSIDE, sentence=f"it is outside the context, {context.root or '.'}")


def _ignored(maker: Manifests, context: ContextTree, inside: str) -> Verdict | None:
    rule = context.rules.deciding(inside)
    if rule is None:
        return None
    file = next(path for (_, path), known in maker.contexts.items() if known is context)
    where = Span(file=file, line=rule.line)
    return Verdict(ruling=Ruling.IGNORED, sentence=f"it is ignored by the rule {rule.text}", where=where)


def _unselected() -> Verdict:
    return Verdict(ruling=Ruling.NOT_SELECTED, sentence="no COPY, ADD or mount of a stage that is reached selects it")
