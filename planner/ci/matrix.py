"""Turns a plan into a build matrix: the images to build by level, parents in earlier levels."""

from __future__ import annotations

import json

from planner.plan.rebuild import Plan


def matrix_json(plan: Plan) -> str:
    """The legs as JSON, for programs."""
    return json.dumps({"version": 1, "include": _legs(plan)}, indent=2)


def matrix_github(plan: Plan) -> str:
    """One line for GitHub's `fromJSON`, valid also when nothing rebuilds.

    GitHub refuses an empty matrix, so `any` says whether the job that uses it should run at all:
    `if: fromJSON(needs.plan.outputs.matrix).any`.
    """
    return json.dumps({"any": bool(plan.building), "include": _legs(plan)}, separators=(",", ":"))


def _legs(plan: Plan) -> list[dict[str, object]]:
    legs = sorted(plan.building, key=lambda image: (image.level, image.name))
    return [
        {
            "image": image.name,
            "level": image.level,
            "key": image.key,
        }
        for image in legs
    ]
