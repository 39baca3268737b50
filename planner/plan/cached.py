"""Turns two manifests of one image into the steps from which BuildKit has to work again, one for each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.digest.inputs import Input, InputKind, Manifest

Steps = list[list[Input]]
"""The steps of one stage, each with the files that it selects behind it."""


def first_uncached(old: Manifest, new: Manifest) -> tuple[Input, ...]:
    """The first step of each stage that is not the same any more, in the order of the Dockerfile.

    A step is another one when its own inputs changed, or when it reads a stage or an image that did. What stands
    before it comes from BuildKit's cache, if the builder still has it.
    """
    before, after = _stages(old), _stages(new)
    changed = _changed_images(old, new)
    found: list[Input] = []
    for number, stage in enumerate(after):
        first = _first(before[number] if number < len(before) else [], stage, changed)
        if first is not None:
            changed.add(f"stage {number}")
            found.append(first)
    return tuple(found)


def _changed_images(old: Manifest, new: Manifest) -> set[str]:
    """The parents and external images that are others now, as instructions name them."""
    before = {(item.kind, item.name): item.digest for item in old.inputs}
    return {
        f"image {item.name}" if item.kind is InputKind.PARENT else item.name
        for item in new.inputs
        if item.kind in (InputKind.PARENT, InputKind.EXTERNAL) and before.get((item.kind, item.name)) != item.digest
    }


def _stages(manifest: Manifest) -> list[Steps]:
    stages: list[Steps] = []
    for item in manifest.inputs:
        if item.kind is InputKind.INSTRUCTION and (item.name.startswith("FROM ") or not stages):
            stages.append([])
        if item.kind is InputKind.INSTRUCTION:
            stages[-1].append([item])
        elif item.kind is InputKind.FILES and stages:
            stages[-1][-1].append(item)
    return stages


def _first(before: Steps, after: Steps, changed: set[str]) -> Input | None:
    for number, step in enumerate(after):
        same = number < len(before) and _digests(before[number]) == _digests(step)
        if not same or any(read in changed for read in _reads(step[0])):
            return step[0]
    return None


def _digests(step: Sequence[Input]) -> list[str]:
    return [item.digest for item in step]


def _reads(item: Input) -> Iterator[str]:
    """The stages and parents that an instruction reads, as `planner.sources.dockerfile.steps` names them."""
    for name, value in item.parts:
        if name in ("base", "from"):
            yield value
        elif name.startswith("mount "):
            words = value.split(" ")
            yield " ".join(words[-2:])  # "stage NUMBER" and "image NAME"
            yield words[-1]
