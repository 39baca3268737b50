"""Turns a plan into the document that is saved, and a saved document into a plan that still holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planner.digest.key import Keys
from planner.errors import PlanFileError
from planner.model.build import Store, Stored
from planner.model.image import ImageName, Span
from planner.plan.reasons import Code, Reason
from planner.plan.rebuild import Action, Plan, PlannedImage

VERSION = 1


def document(plan: Plan) -> dict[str, object]:
    """A plan as its document, version 1: `planner/schemas/plan.json` describes it."""
    images = [
        {
            "name": image.name,
            "action": image.action.value,
            "reasons": [reason_document(reason) for reason in image.reasons],
            "key": image.key,
            "digest": image.stored.digest if image.stored else None,
            "store": image.stored.store.value if image.stored else None,
            "repository": (image.stored.repository or None) if image.stored else None,
            "parents": list(image.parents),
            "level": image.level,
        }
        for image in plan.images
    ]
    return {"version": VERSION, "against": plan.against, "images": images, "warnings": list(plan.warnings)}


def reason_document(reason: Reason) -> dict[str, object]:
    """A reason as it stands in documents."""
    entry: dict[str, object] = {"code": reason.code.value, "detail": reason.detail, "subject": reason.subject}
    if reason.where:
        entry |= {"file": reason.where.file, "line": reason.where.line}
    if reason.instruction:
        entry["instruction"] = reason.instruction
    if reason.code is Code.PARENT_CHANGED:
        entry["parent"] = reason.subject
    return entry


def read(data: bytes, file: str) -> Plan:
    """The plan of a saved document. Raises PlanFileError for what is none."""
    try:
        found = json.loads(data)
        if not isinstance(found, dict) or found.get("version") != VERSION:
            raise PlanFileError(f"{file}: is no plan of version {VERSION}: make one with planner plan --out {file}")
        images = tuple(_image(entry) for entry in found["images"])
        return Plan(
            against=str(found["against"]),
            images=images,
            total=len(images),
            warnings=tuple(str(text) for text in found.get("warnings", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise PlanFileError(f"{file}: is no plan: {what}\n  make one with planner plan --out {file}") from error


def _image(entry: Mapping[str, Any]) -> PlannedImage:
    stored = None
    if entry.get("digest") is not None:
        stored = Stored(
            store=Store(entry["store"]), digest=str(entry["digest"]), repository=str(entry.get("repository") or "")
        )
    return PlannedImage(
        name=ImageName(str(entry["name"])),
        action=Action(entry["action"]),
        key=str(entry["key"]),
        reasons=tuple(_reason(one) for one in entry["reasons"]),
        parents=tuple(ImageName(str(name)) for name in entry["parents"]),
        level=int(entry["level"]),
        stored=stored,
    )


def _reason(entry: Mapping[str, Any]) -> Reason:
    where = Span(file=str(entry["file"]), line=int(entry["line"])) if "file" in entry else None
    return Reason(
        code=Code(entry["code"]),
        subject=str(entry["subject"]),
        detail=str(entry["detail"]),
        where=where,
        instruction=str(entry.get("instruction", "")),
    )


def refuse_outdated(plan: Plan, now: Keys, file: str) -> None:
    """Raise PlanFileError, naming every image whose inputs are no longer those that the plan was made for."""
    graph = now.made_by.loaded.graph
    outdated = [
        f"{image.name}: {'its inputs changed' if image.name in graph.nodes else 'is no longer in the graph'}"
        for image in plan.images
        if now.keys.get(image.name) != image.key
    ]
    moved = [
        f"{image.name}: reads other images"
        for image in plan.images
        if now.keys.get(image.name) == image.key and graph.nodes[image.name].parents != image.parents
    ]
    if outdated or moved:
        told = "\n".join(f"  {text}" for text in (*outdated, *moved))
        raise PlanFileError(f"{file}: no longer holds, make it anew with planner plan --out {file}\n{told}")
