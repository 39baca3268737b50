"""Turns a graph, its plan, its keys and its records into the one document that the page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from planner.digest.inputs import Input, Manifest
from planner.digest.key import Keys
from planner.explain.boxes import BOX_HEIGHT, box_text, box_width
from planner.explain.history import Built
from planner.explain.layered import layered
from planner.explain.page.timeline import Run, runs
from planner.model.frozen import dataclass
from planner.model.graph import ImageGraph, Node, Unresolved
from planner.model.image import ImageName, Span
from planner.plan.baseline import lister
from planner.plan.rebuild import Plan, PlannedImage

VERSION = 1
MAX_FILES = 40_000
"""Files named in a page, over all inputs of all images; `planner inputs` names every one."""
FEWEST_FILES = 8


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a page is made of. Without a plan, `trouble` says why there is none."""

    title: str
    graph: ImageGraph
    plan: Plan | None = None
    keys: Keys | None = None
    trouble: str = ""
    built: Sequence[Built] = ()


def page_document(shown: Shown) -> dict[str, object]:
    """The document, version 1. Images, parents and externals refer to one another by their position."""
    graph = shown.graph
    position = {name: at for at, name in enumerate(graph.order)}
    externals = sorted({text for node in graph.nodes.values() for text in node.externals})
    external = {text: at for at, text in enumerate(externals)}
    planned = {image.name: image for image in shown.plan.images} if shown.plan else {}
    listed = _Inputs(shown.keys)
    edges = [(position[parent], position[name]) for name in graph.order for parent in graph.nodes[name].parents]
    drawing = layered([(box_width(name), BOX_HEIGHT) for name in graph.order], edges)
    images = [
        {
            **_declared(graph.nodes[name]),
            "parents": [position[parent] for parent in graph.nodes[name].parents],
            "externals": [external[text] for text in graph.nodes[name].externals],
            **_planned(planned.get(name)),
            "inputs": listed.of(name),
            "at": [round(value) for value in drawing.boxes[position[name]]],
        }
        for name in graph.order
    ]
    return {
        "version": VERSION,
        "title": shown.title,
        "against": shown.plan.against if shown.plan else "",
        "trouble": shown.trouble,
        "warnings": list(shown.plan.warnings) if shown.plan else [],
        "boxHeight": BOX_HEIGHT,
        "images": images,
        "externals": [{"name": text, "text": box_text(text), "width": box_width(text)} for text in externals],
        "runs": [_run(run, position) for run in _runs(shown.built, graph)],
    }


def _declared(node: Node) -> dict[str, object]:
    image = node.image
    return {
        "name": image.name,
        "text": box_text(image.name),
        "width": box_width(image.name),
        "label": image.label,
        "kind": node.kind.value,
        "dockerfile": image.dockerfile,
        "context": image.context,
        "target": image.target,
        "platforms": list(image.platforms),
        "tags": list(image.tags),
        "level": node.level,
        "unresolved": [
            {"reference": use.reference, "reason": use.origin.reason, **_place(use.span)}
            for use in node.unresolved
            if isinstance(use.origin, Unresolved)
        ],
    }


def _planned(image: PlannedImage | None) -> dict[str, object]:
    if image is None:
        return {"action": "unknown", "own": False, "key": "", "digest": "", "reasons": []}
    return {
        "action": image.action.value,
        "own": bool(image.own),
        "key": image.key,
        "digest": image.stored.digest if image.stored else "",
        "reasons": [
            {"code": reason.code.value, "subject": reason.subject, "detail": reason.detail, **_place(reason.where)}
            for reason in image.reasons
        ],
    }


def _place(where: Span | None) -> dict[str, object]:
    return {"file": where.file, "line": where.line} if where else {}


class _Inputs:
    """The inputs of images, with as many of their files as a page has room for."""

    def __init__(self, keys: Keys | None) -> None:
        self.keys = keys
        every = [manifest for manifests in keys.manifests.values() for manifest in manifests] if keys else []
        selecting = sum(item.selection is not None for manifest in every for item in manifest.inputs)
        self.most = max(FEWEST_FILES, MAX_FILES // max(selecting, 1))

    def of(self, name: ImageName) -> list[dict[str, object]]:
        """All inputs of the first platform, then those that only another platform has."""
        manifests = self.keys.manifests.get(name, ()) if self.keys else ()
        found: list[dict[str, object]] = []
        seen: set[tuple[str, str, str]] = set()
        for manifest in manifests:
            new = [item for item in manifest.inputs if (item.kind.value, item.name, item.digest) not in seen]
            seen.update((item.kind.value, item.name, item.digest) for item in new)
            found += self._entries(manifest, new, manifest.platform if manifest is not manifests[0] else "")
        return found

    def _entries(self, manifest: Manifest, items: Iterable[Input], platform: str) -> list[dict[str, object]]:
        if self.keys is None:
            return []
        listing = lister(self.keys, manifest)
        entries = []
        for item in items:
            entry: dict[str, object] = {"kind": item.kind.value, "name": item.name, "digest": item.digest[:12]}
            entry |= _place(item.where)
            if platform:
                entry["platform"] = platform
            if item.selection is not None:
                files = list(listing(item))
                entry |= {"files": files[: self.most], "count": len(files)}
            entries.append(entry)
        return entries


def _runs(built: Iterable[Built], graph: ImageGraph) -> tuple[Run, ...]:
    return runs(
        (record for record in built if record.image in graph.nodes),
        {name: node.parents for name, node in graph.nodes.items()},
    )


def _run(run: Run, position: Mapping[ImageName, int]) -> dict[str, object]:
    return {
        "began": round(run.began, 3),
        "seconds": run.seconds,
        "bars": [
            {
                "image": position[bar.image],
                "start": bar.start,
                "seconds": bar.seconds,
                "steps": bar.steps,
                "cached": bar.cached,
                "critical": bar.critical,
            }
            for bar in run.bars
        ],
    }
