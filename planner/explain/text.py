"""Turns plans and graphs into text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from planner.digest.manifest import InputKind, Manifest
from planner.model.graph import ImageGraph, Unresolved
from planner.model.image import ImageName, Span
from planner.plan.plan_file import document
from planner.plan.reasons import Reason
from planner.plan.rebuild import Action, Plan, PlannedImage

MAX_REASONS = 8
"""Reasons shown for one image as text; JSON has them all."""


class Palette:
    """Colours of a terminal, or none."""

    def __init__(self, *, colour: bool) -> None:
        self.colour = colour

    def paint(self, text: str, code: str) -> str:
        """The text in a colour (an SGR code), or as it is."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def printable(text: str) -> str:
    """Untrusted text without control characters, so that no file name moves the cursor."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def plan_text(plan: Plan, palette: Palette) -> str:
    """A plan as a tree of causes: images with reasons of their own, and below them what follows."""
    lines: list[str] = []
    for image in plan.images:
        if image.action is Action.BUILD:
            lines.extend(_image_lines(image, palette))
    reused = [image.name for image in plan.images if image.action is Action.REUSE]
    if reused and lines:
        lines.append("")
    lines.extend(f"{palette.paint('reuse', '32')}  {name}" for name in reused)
    if lines:
        lines.append("")
    verb = "rebuilds" if len(plan.building) == 1 else "rebuild"
    count = f"{len(plan.building)} of {plan.total} image{'' if plan.total == 1 else 's'}"
    lines.append(palette.paint(f"{count} {verb}", "1") + f" against {plan.against}")
    return "\n".join(lines)


def _image_lines(image: PlannedImage, palette: Palette) -> list[str]:
    lines = [f"{palette.paint('build', '33')}  {palette.paint(image.name, '1')}"]
    shown = image.reasons[:MAX_REASONS]
    lines.extend(f"         {_reason_text(reason, palette)}" for reason in shown)
    if len(image.reasons) > MAX_REASONS:
        lines.append(f"         … and {len(image.reasons) - MAX_REASONS} more")
    return lines


def _reason_text(reason: Reason, palette: Palette) -> str:
    place = f"  {palette.paint(f'({_place(reason.where)})', '2')}" if reason.where else ""
    return f"{reason.code.replace('-', ' ')}: {printable(reason.detail)}{place}"


def _place(where: Span) -> str:
    return printable(f"{where.file}:{where.line}")


def plan_json(plan: Plan) -> str:
    """A plan as its document, version 1."""
    return _dump(document(plan))


def _dump(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=True)


def graph_json(graph: ImageGraph) -> str:
    """A graph as its document, version 1."""
    images = []
    for name in graph.order:
        node = graph.nodes[name]
        unresolved = [
            {
                "reference": use.reference,
                "file": use.span.file,
                "line": use.span.line,
                "reason": use.origin.reason if isinstance(use.origin, Unresolved) else "",
            }
            for use in node.unresolved
        ]
        images.append(
            {
                "name": name,
                "label": node.image.label,
                "kind": node.kind.value,
                "dockerfile": node.image.dockerfile,
                "context": node.image.context,
                "target": node.image.target or None,
                "parents": list(node.parents),
                "externals": list(node.externals),
                "unresolved": unresolved,
                "level": node.level,
            }
        )
    return _dump({"version": 1, "images": images})


def manifest_text(manifest: Manifest, files: Mapping[int, Mapping[str, str]], palette: Palette) -> str:
    """A manifest with every input; `files` holds the files of those inputs that select some, by position."""
    lines: list[str] = []
    for index, item in enumerate(manifest.inputs):
        place = f"  {palette.paint(f'({_place(item.where)})', '2')}" if item.where else ""
        name = printable(item.name.partition("\n")[0])
        lines.append(f"{item.digest[:12]}  {item.kind.value:<11}  {name}{place}")
        if item.kind is InputKind.FILES:
            lines.extend(
                f"{value.split(' ')[1][:12]}    {value.split(' ')[0][-4:]}       {printable(path)}"
                for path, value in files.get(index, {}).items()
            )
    return "\n".join(lines)


def manifest_json(manifest: Manifest, files: Mapping[int, Mapping[str, str]], key: str) -> str:
    """A manifest as its document, version 1."""
    inputs = []
    for index, item in enumerate(manifest.inputs):
        entry: dict[str, object] = {"kind": item.kind.value, "name": item.name, "digest": item.digest}
        if item.where:
            entry |= {"file": item.where.file, "line": item.where.line}
        if item.kind is InputKind.FILES:
            entry["files"] = [
                {"path": path, "mode": value.split(" ")[0], "id": value.split(" ")[1]}
                for path, value in files.get(index, {}).items()
            ]
        inputs.append(entry)
    return _dump({"version": 1, "image": manifest.image, "platform": manifest.platform, "key": key, "inputs": inputs})


def keys_json(keys: Mapping[ImageName, str]) -> str:
    """Keys as their document, version 1."""
    return _dump({"version": 1, "keys": dict(keys)})
