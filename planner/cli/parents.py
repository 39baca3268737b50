"""Finds what a plan needs beside itself: a saved plan that still holds, and the parents that are not built anew."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from planner.digest.key import Keys
from planner.errors import PlanFileError, PlannerError
from planner.model.build import Stored
from planner.model.image import ImageName
from planner.plan import plan_file
from planner.plan.baseline import Baseline
from planner.plan.rebuild import Plan

MAX_PLAN = 256 << 20


def saved_plan(options: argparse.Namespace, keys: Keys) -> Plan:
    """The plan that `--plan` names. Raises PlanFileError for one that cannot be read or no longer holds."""
    path = Path(options.plan)
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_PLAN)
    except OSError as error:
        raise PlanFileError(f"{path}: cannot be read: {error.strerror}") from error
    plan = plan_file.read(data, os.fspath(path))
    plan_file.refuse_outdated(plan, keys, os.fspath(path))
    return plan


def parents_of(
    plan: Plan,
    keys: Keys,
    then: Baseline,
    published: Callable[[ImageName], Stored | None] | None,
    *,
    option: str = "--only",
) -> Mapping[ImageName, Stored]:
    """Where each parent is that is read and not built: in the records, else `published` under its key.

    Raises PlannerError for those that are neither; `option` is what left them out.
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
        raise PlannerError(
            f"these parents are not here in the state that is needed\n{told_missing}\n"
            f"  build them first, or leave out {option}"
        )
    return found


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
