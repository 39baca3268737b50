"""Turns a plan into the commands that a build would run, with stand-ins for what is known only while it runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from planner.build.command import Paths, build_arguments
from planner.digest.key import Keys
from planner.explain.causes import plan_text
from planner.explain.text import Palette, printable
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.plan.rebuild import Plan
from planner.schedule.requests import request_of

PATHS = Paths(dockerfile="DOCKERFILE", contexts={"": "CONTEXT"}, metadata="METADATA", layout="RESULT", store="STORE")


def dry_run(plan: Plan, keys: Keys, registry: str, palette: Palette, caches: Mapping[ImageName, Sequence[str]]) -> str:
    """The plan and, in an order that works, the commands. `caches` are words about layer caches, by image."""
    lines = [plan_text(plan, palette)]
    if plan.building:
        lines += ["", "# DOCKERFILE and CONTEXT stand for folders that hold exactly the files that count."]
    for image in plan.building:
        store = Store.REGISTRY if registry else Store.LAYOUT
        parents = {
            parent: Stored(store=store, digest=f"DIGEST-OF-{parent}", repository=f"{registry}/{parent}")
            for parent in image.parents
        }
        request = request_of(keys, image.name, parents, registry=registry)
        named = {name: f"CONTEXT-{name}" for name, _ in request.contexts}
        paths = Paths(
            dockerfile=PATHS.dockerfile,
            contexts={**PATHS.contexts, **named},
            metadata=PATHS.metadata,
            layout=PATHS.layout,
            store=PATHS.store,
        )
        lines.append(
            printable(f"buildx {shlex.join(build_arguments(request, paths, store, cache=caches.get(image.name, ())))}")
        )
    return "\n".join(lines)
