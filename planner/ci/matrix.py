"""Turns a plan into build matrices, one for each level of the graph that rebuilds, parents in earlier ones."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from planner.model.graph import ImageGraph
from planner.model.image import Family
from planner.plan.rebuild import Plan, PlannedImage

DEFAULT_RUNNER = "ubuntu-latest"


def matrix_json(plan: Plan, graph: ImageGraph, family: Family, command: Sequence[str]) -> str:
    """The legs by level as a document, version 1."""
    return json.dumps({"version": 1, **_document(plan, graph, family, command)}, indent=2)


def matrix_github(plan: Plan, graph: ImageGraph, family: Family, command: Sequence[str]) -> str:
    """One line for GitHub's `fromJSON`: each of `levels` is the matrix of one job, `any` says whether there is one.

    GitHub refuses an empty matrix, so a job for level N runs `if: fromJSON(…).levels[N] != null`; a job's `if` is
    looked at before its matrix.
    """
    return json.dumps(_document(plan, graph, family, command), separators=(",", ":"))


def _document(plan: Plan, graph: ImageGraph, family: Family, command: Sequence[str]) -> dict[str, object]:
    """`command` is how the planner is called, up to `build`: a leg builds one image and takes parents as published."""
    levels: dict[int, list[dict[str, object]]] = {}
    for image in sorted(plan.building, key=lambda image: (image.level, image.name)):
        levels.setdefault(image.level, []).append(_leg(image, graph, family, command))
    return {"any": bool(levels), "levels": [{"include": legs} for _, legs in sorted(levels.items())]}


def _leg(image: PlannedImage, graph: ImageGraph, family: Family, command: Sequence[str]) -> dict[str, object]:
    node = graph.nodes[image.name]
    words = [*command, "build", image.name, "--only", *(["--push"] if family.registry else [])]
    return {
        "image": image.name,
        "level": image.level,
        "key": image.key,
        "kind": node.kind.value,
        "platforms": ",".join(node.image.platforms),
        "runner": family.kind_defaults(node.kind.value).runner or DEFAULT_RUNNER,
        "command": shlex.join(words),
    }
