"""Turns the keys of a family, now and at a baseline, into a plan: for each image reuse or build, with its reasons."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

from planner.digest.key import Keys
from planner.digest.manifest import Input, Manifest, Manifests, files_of
from planner.model.graph import ImageGraph
from planner.model.image import ImageName
from planner.plan.changes import Listing, changes
from planner.plan.reasons import Code, Reason


class Action(enum.StrEnum):
    """What a plan does with an image."""

    BUILD = "build"
    REUSE = "reuse"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedImage:
    """One image of a plan. `parents` are those of the graph; `own` tells whether it has a reason besides them."""

    name: ImageName
    action: Action
    key: str
    reasons: tuple[Reason, ...]
    parents: tuple[ImageName, ...]
    level: int
    digest: str = ""

    @property
    def own(self) -> tuple[Reason, ...]:
        """The reasons that are not a parent's."""
        return tuple(reason for reason in self.reasons if reason.code is not Code.PARENT_CHANGED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to do for every image that was asked for, parents before children. `against` names the baseline."""

    against: str
    images: tuple[PlannedImage, ...]
    total: int
    warnings: tuple[str, ...] = ()

    @property
    def building(self) -> tuple[PlannedImage, ...]:
        """The images to build."""
        return tuple(image for image in self.images if image.action is Action.BUILD)


def plan(
    graph: ImageGraph,
    now: Keys,
    then: Keys | None,
    *,
    against: str,
    wanted: Collection[ImageName],
    everything: bool = False,
) -> Plan:
    """Compare keys. `wanted` narrows the plan to these images and the parents they need; `then` None builds all.

    A parent that is reused and was not asked for is left out.
    """
    needed = graph.ancestors(wanted)
    reasons: dict[ImageName, tuple[Reason, ...]] = {}
    for name in graph.order:
        reasons[name] = _reasons(name, now, then, everything)
        reasons[name] += tuple(
            Reason(code=Code.PARENT_CHANGED, subject=parent, detail=f"{parent} is rebuilt")
            for parent in graph.nodes[name].parents
            if reasons[parent] and not any(reason.subject == parent for reason in reasons[name])
        )
    images = [
        PlannedImage(
            name=name,
            action=Action.BUILD if reasons[name] else Action.REUSE,
            key=now.keys[name],
            reasons=reasons[name],
            parents=graph.nodes[name].parents,
            level=graph.nodes[name].level,
        )
        for name in graph.order
        if name in wanted or (name in needed and reasons[name])
    ]
    warnings = (text for name in graph.order if name in needed for one in now.manifests[name] for text in one.warnings)
    return Plan(
        against=against,
        images=tuple(images),
        total=len(images),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _reasons(name: ImageName, now: Keys, then: Keys | None, everything: bool) -> tuple[Reason, ...]:
    unsure = tuple(
        Reason(code=Code.UNSURE, subject=item.name, detail=item.name, where=item.where)
        for manifest in now.manifests[name]
        for item in manifest.unsure
    )
    if everything:
        return (Reason(code=Code.FORCED, subject=name, detail="asked for with --all"), *unsure)
    if then is None or name not in then.keys:
        return (Reason(code=Code.FIRST_BUILD, subject=name, detail="was never built"), *unsure)
    if then.keys[name] == now.keys[name]:
        return unsure
    return tuple(dict.fromkeys((*_changes(name, now, then), *unsure)))


def _changes(name: ImageName, now: Keys, then: Keys) -> tuple[Reason, ...]:
    before = {manifest.platform: manifest for manifest in then.manifests[name]}
    found: list[Reason] = []
    for manifest in now.manifests[name]:
        old = before.pop(manifest.platform, None)
        if old is None:
            detail = f"{manifest.platform} is new"
            found.append(Reason(code=Code.PLATFORM_CHANGED, subject=manifest.platform, detail=detail))
        else:
            found.extend(changes(old, manifest, _listing(old, then.made_by), _listing(manifest, now.made_by)))
    for platform in before:
        found.append(Reason(code=Code.PLATFORM_CHANGED, subject=platform, detail=f"{platform} is gone"))
    if not found:
        detail = "the same inputs in another order"
        found.append(Reason(code=Code.INSTRUCTION_CHANGED, subject=name, detail=detail))
    return tuple(found)


def _listing(manifest: Manifest, made_by: Manifests) -> Listing:
    image = made_by.loaded.graph.nodes[manifest.image].image

    def listing(item: Input) -> dict[str, str]:
        if item.selection is None:
            return {}
        return dict(files_of(made_by.context(image, item.selection.context), item.selection))

    return listing
