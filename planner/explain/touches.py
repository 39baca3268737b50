"""Turns affected images into text for people and their document for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from planner.explain.text import Palette, place, printable
from planner.plan.affected import Affected, Role, Touch

MAX_TOUCHES = 8
"""Paths shown for one image; JSON has them all."""
NOTES = {
    Role.DOCKERFILE: "its Dockerfile",
    Role.POLICY: "its build policy",
    Role.IGNORE_FILE: "an ignore file of what it copies",
    Role.GRAPH_FILE: "part of the definition",
    Role.LOCK: "the lock of what is not built here",
}


def affected_text(found: Sequence[Affected], total: int, palette: Palette) -> str:
    """Each image with the paths that it reads and where it says so; what only follows names its parents."""
    width = max((len(one.name) for one in found), default=0)
    lines: list[str] = []
    for one in found:
        told = [_touch(touch, palette) for touch in one.touches[:MAX_TOUCHES]] or [f"by {', '.join(one.parents)}"]
        if len(one.touches) > MAX_TOUCHES:
            told.append(f"… and {len(one.touches) - MAX_TOUCHES} more")
        heads = [palette.paint(f"{one.name:<{width}}", "1"), *[" " * width] * (len(told) - 1)]
        lines += [f"{head}  {text}" for head, text in zip(heads, told, strict=True)]
    count = f"{len(found)} of {total} image{'' if total == 1 else 's'}"
    verb = "is" if 1 in (len(found), total) else "are"
    return "\n".join([*lines, *([""] if lines else []), palette.paint(f"{count} {verb} affected", "1")])


def _touch(touch: Touch, palette: Palette) -> str:
    note = NOTES.get(touch.role)
    told = f"{printable(touch.path) or '.'}{f', {note}' if note else ''}"
    return f"{told}  {palette.paint(f'({place(touch.where)})', '2')}"


def affected_json(paths: Sequence[str], found: Sequence[Affected], outside: Sequence[str]) -> str:
    """The document of `planner/schemas/affected.json`, version 1. `outside` are paths out of the workspace."""
    images = [
        {
            "name": one.name,
            "direct": bool(one.touches),
            "paths": [
                {
                    "path": touch.path,
                    "role": touch.role.value,
                    "instruction": touch.instruction or None,
                    "file": touch.where.file,
                    "line": touch.where.line,
                }
                for touch in one.touches
            ],
            "parents": list(one.parents),
        }
        for one in found
    ]
    document = {"version": 1, "paths": list(paths), "outside": list(outside), "images": images}
    return json.dumps(document, indent=2, ensure_ascii=True)
