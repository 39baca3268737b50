"""Turns a forecast of GitHub's cache into text for people and JSON for programs."""

from __future__ import annotations

import json

from planner.explain.text import printable
from planner.policy.budget import Forecast

MEBIBYTE = 1 << 20


def budget_text(made: Forecast) -> str:
    """One line for each image, in the order of choice, and what all of them fill at most."""
    width = max((len(one.image) for one in made.choices), default=0)
    lines = []
    for one in made.choices:
        where = "GitHub's cache" if one.chosen else "elsewhere"
        size = f"{one.size / MEBIBYTE:9.1f} MiB"
        lines.append(f"{one.image:<{width}}  {size}  {one.seconds:8.1f} s  {where}  ({one.why})")
    share = f"{made.used / MEBIBYTE:.1f} of {made.budget / MEBIBYTE:.0f} MiB"
    lines += ["", f"at most {share} with {made.writers} writing at once: nothing of it is evicted"]
    return "\n".join(printable(line) for line in lines)


def budget_json(made: Forecast) -> str:
    """The forecast as its document, version 1."""
    images = [
        {
            "name": one.image,
            "size": one.size,
            "seconds": round(one.seconds, 3),
            "chosen": one.chosen,
            "why": one.why,
        }
        for one in made.choices
    ]
    document = {"version": 1, "budget": made.budget, "used": made.used, "writers": made.writers, "images": images}
    return json.dumps(document, indent=2)
