"""Writes a family that is described in no language as a Compose file: one service for each image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sources.doors.forms import Declared, Described, Files


def compose(family: Described, registry: str, filled: Any) -> Files:
    """As compose.yaml; JSON is YAML. `filled` puts the values of axes into a text."""
    services: dict[str, Any] = {}
    for one in family:
        for axes in one.combinations():
            name = filled(one.name, axes)
            build = _build(one, lambda text, axes=axes: filled(text, axes).replace("$", "$$"))
            services[name] = {"image": f"{registry}/{name}", "build": build}
    ids = {secret for service in services.values() for secret in service["build"].get("secrets", ())}
    secrets = {"secrets": {one: {"environment": "SECRET"} for one in sorted(ids)}} if ids else {}
    return {"compose.yaml": json.dumps({"services": services, **secrets}, ensure_ascii=False)}


def _build(one: Declared, write: Any) -> dict[str, Any]:
    def contexts(value: str) -> str:
        return write(value).replace("target:", "service:", 1) if value.startswith("target:") else str(write(value))

    found = {
        "context": one.context,
        "dockerfile": one.dockerfile,
        "target": one.target,
        "args": {name: write(value) for name, value in one.args.items()},
        "additional_contexts": {name: contexts(value) for name, value in one.contexts.items()},
        "labels": {name: write(value) for name, value in one.labels.items()},
        "tags": [write(value) for value in one.tags],
        "platforms": list(one.platforms),
        "secrets": [text.removeprefix("id=") for text in one.secrets],
        "ssh": list(one.ssh),
        "network": one.network,
    }
    return {name: value for name, value in found.items() if value}
