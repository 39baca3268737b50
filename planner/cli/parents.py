"""Finds what a plan needs beside itself: a saved plan that still holds, and the parents that are not built anew.

A parent that was to be reused and is not to be had is built too, where nobody asked for some images only.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from planner.cli.family import chosen
from planner.digest.key import Keys
from planner.errors import PlanFileError, PlannerError, RegistryError, UsageError
from planner.model.build import Stored
from planner.model.image import ImageName
from planner.plan import plan_file
from planner.plan.baseline import Baseline
from planner.plan.reasons import Code, Reason
from planner.plan.rebuild import Action, Plan, PlannedImage
from planner.system import given_files

MAX_PLAN = 256 << 20


def refuse_beside_plan(options: argparse.Namespace, *names: str) -> None:
    """Raise UsageError for an option that a saved plan would leave without effect."""
    for name in names if options.plan else ():
        if getattr(options, name):
            raise UsageError(f"--plan and --{name}: a saved plan says already what is built, and against what")


def saved_plan(options: argparse.Namespace, keys: Keys) -> Plan:
    """The plan that `--plan` names, of the images that the command line names and what these need built.

    Raises PlanFileError for one that cannot be read, no longer holds or lacks an image that is named.
    """
    path = Path(options.plan)
    try:
        data = given_files.read(path, MAX_PLAN)
    except OSError as error:
        raise PlanFileError(f"{path}: cannot be read: {error.strerror}") from error
    plan = plan_file.read(data, os.fspath(path))
    plan_file.refuse_outdated(plan, keys, os.fspath(path))
    planned = {image.name for image in plan.images}
    wanted: set[ImageName] = set()
    for pattern in options.images:
        found = chosen([pattern], keys.made_by.loaded.graph) & planned
        if not found:
            raise PlanFileError(f"{path}: has no image {pattern}\n  it plans {', '.join(sorted(planned)) or 'none'}")
        wanted |= found
    return narrowed(plan, wanted) if options.images else plan


def narrowed(plan: Plan, wanted: Collection[ImageName]) -> Plan:
    """A plan of these images and of all that they need built, as it would have been made for them alone."""
    needed = set(wanted)
    for image in reversed(plan.building):
        if image.name in needed:
            needed.update(image.parents)
    images = tuple(one for one in plan.images if one.name in wanted or (one.name in needed and _is_built(one)))
    return replace(plan, images=images, total=len(images))


def _is_built(image: PlannedImage) -> bool:
    return image.action is Action.BUILD


def resumed(
    plan: Plan, then: Baseline, anew: Collection[ImageName], keys: Keys, counts: Callable[[Stored], bool]
) -> Plan:
    """A saved plan less what was built since, and with what it reuses and is no longer there.

    What is built `anew` is, whatever was built before. An image that a plan against a revision reuses is kept nowhere
    that the plan knows of, so there is nothing to look for.
    """
    images = (
        one if one.name in anew and _is_built(one) else _as_it_is_now(one, then, keys, counts) for one in plan.images
    )
    return replace(plan, images=tuple(images))


def _as_it_is_now(image: PlannedImage, then: Baseline, keys: Keys, counts: Callable[[Stored], bool]) -> PlannedImage:
    past = then.get(image.name)
    stored = past.stored if past is not None and past.key == image.key else None
    if image.action is Action.REUSE:
        if image.stored is None or counts(image.stored):
            return image
        return _missing(keys, image.name) if stored is None else replace(image, stored=stored)
    return image if stored is None else replace(image, action=Action.REUSE, reasons=(), stored=stored)


def parents_of(
    plan: Plan,
    keys: Keys,
    then: Baseline,
    published: Callable[[ImageName], Stored | None] | None,
    *,
    option: str = "",
) -> Mapping[ImageName, Stored]:
    """Where each parent is that is read and not built: in the records, else `published` under its key.

    Raises PlannerError for those that are neither; `option` is what left them out, where one did.
    """
    building = {image.name for image in plan.building}
    found: dict[ImageName, Stored] = {}
    missing: list[str] = []
    for image in plan.building:
        for parent in image.parents:
            if parent in building or parent in found:
                continue
            stored = _stored(parent, keys, then, published)
            if stored is None:
                missing.append(f"  {image.name} reads {parent}, which is neither recorded nor published")
            else:
                found[parent] = stored
    if missing:
        told_missing = "\n".join(dict.fromkeys(missing))
        hint = f"build them first, or leave out {option}" if option else "build them first"
        raise PlannerError(f"these parents are not here in the state that is needed\n{told_missing}\n  {hint}")
    return found


def completed(
    plan: Plan,
    keys: Keys,
    then: Baseline,
    published: Callable[[ImageName], Stored | None] | None,
    say: Callable[[str], None],
) -> tuple[Plan, Mapping[ImageName, Stored]]:
    """The plan with every parent that is not to be had built too, said, and where all other parents are."""
    graph = keys.made_by.loaded.graph
    found: dict[ImageName, Stored] = {}
    images = {image.name: image for image in plan.images}
    waiting = list(plan.building)
    while waiting:
        image = waiting.pop()
        for parent in image.parents:
            if parent in found or (parent in images and _is_built(images[parent])):
                continue
            stored = _stored(parent, keys, then, published)
            if stored is not None:
                found[parent] = stored
                continue
            say(f"{image.name} reads {parent}, which is neither recorded nor published: it is built too")
            images[parent] = _missing(keys, parent)
            waiting.append(images[parent])
    ordered = tuple(images[name] for name in graph.order if name in images)
    return replace(plan, images=ordered, total=len(ordered)), found


def _missing(keys: Keys, name: ImageName) -> PlannedImage:
    node = keys.made_by.loaded.graph.nodes[name]
    reason = Reason(code=Code.FIRST_BUILD, subject=name, detail="is neither kept nor published")
    parents, level = node.parents, node.level
    return PlannedImage(
        name=name, action=Action.BUILD, key=keys.keys[name], reasons=(reason,), parents=parents, level=level
    )


def if_told(
    published: Callable[[ImageName], Stored | None], warn: Callable[[str], None]
) -> Callable[[ImageName], Stored | None]:
    """The same, where a registry that refuses or does not answer has nothing; it is told of and asked no more."""
    failed: list[str] = []

    def ask(name: ImageName) -> Stored | None:
        if failed:
            return None
        try:
            return published(name)
        except RegistryError as error:
            failed.append(str(error))
            warn(f"parents that are not here are built: {str(error).partition(chr(10))[0]}")
            return None

    return ask


def _stored(
    name: ImageName, keys: Keys, then: Baseline, published: Callable[[ImageName], Stored | None] | None
) -> Stored | None:
    past = then.get(name)
    if past is not None and past.key == keys.keys[name] and past.stored is not None:
        return past.stored
    return published(name) if published is not None else None


def only(plan: Plan, wanted: frozenset[ImageName]) -> Plan:
    """A plan of these images alone."""
    images = tuple(image for image in plan.images if image.name in wanted)
    return replace(plan, images=images, total=len(images))
