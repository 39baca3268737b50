"""Turns plans and graphs into text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from planner.digest.inputs import InputKind, Manifest
from planner.model.graph import ImageGraph, Unresolved
from planner.model.image import ImageName, Span
from planner.plan.rebuild import Plan


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


def counted(number: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def place(where: Span) -> str:
    """A place as people read it, safe to print."""
    return printable(f"{where.file}:{where.line}")


def plan_json(plan: Plan) -> str:
    """A plan as its document, version 1."""
    from planner.plan.plan_file import document

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
        entered = f"  {palette.paint(f'({place(item.where)})', '2')}" if item.where else ""
        name = printable(item.name.partition("\n")[0])
        lines.append(f"{item.digest[:12]}  {item.kind.value:<11}  {name}{entered}")
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
