"""Turns an image into what it reads of the workspace: its selections with the instruction of each, and their files."""

from __future__ import annotations

from collections.abc import Iterator

from planner.digest.build_policy import policy_place
from planner.digest.context_tree import ContextTree
from planner.digest.listing import files_of
from planner.digest.manifest import Manifests
from planner.model.frozen import dataclass
from planner.model.image import ImageName
from planner.model.selection import Selection
from planner.sources.dockerfile.steps import Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One selection of one image: which step selects, and in which context."""

    step: Step
    selection: Selection
    context: ContextTree


def readings(maker: Manifests, name: ImageName) -> Iterator[Reading]:
    """All selections of an image over its platforms, each once; none where a reference cannot be told."""
    image = maker.loaded.graph.nodes[name].image
    seen: set[tuple[Selection, int, str]] = set()
    for platform in image.platforms:
        evaluation = maker.loaded.evaluations.get((name, platform))
        for step in evaluation.steps if evaluation is not None else ():
            for selection in step.selections:
                mark = (selection, step.span.line, step.span.file)
                if mark not in seen:
                    seen.add(mark)
                    yield Reading(step=step, selection=selection, context=maker.context(image, selection.context))


def files_read(maker: Manifests, name: ImageName) -> Iterator[str]:
    """The workspace's paths of the files that an image reads, its Dockerfile first; a path may come twice.

    A Dockerfile that is written in the definition is no file.
    """
    image = maker.loaded.graph.nodes[name].image
    if not image.inline:
        yield image.dockerfile
    if policy := policy_place(image, maker.tree):
        yield policy
    for reading in readings(maker, name):
        for path, _ in files_of(reading.context, reading.selection):
            yield reading.context.path(path)
