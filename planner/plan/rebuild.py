"""Turns the keys of a family, now and at a baseline, into a plan: for each image reuse or build, with its reasons."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from planner.digest.inputs import Manifest
from planner.digest.key import Keys
from planner.model.frozen import dataclass
from planner.model.graph import ImageGraph, Node, ParentImage
from planner.model.image import ImageName
from planner.plan.baseline import Baseline, Past, Seen, left_out_of, lister, root_of
from planner.plan.changes import Listing, State, changes
from planner.plan.reasons import Code, Reason

if TYPE_CHECKING:
    from planner.model.build import Stored


class Action(enum.StrEnum):
    """What a plan does with an image."""

    BUILD = "build"
    REUSE = "reuse"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedImage:
    """One image of a plan. `parents` are those of the graph; `stored` is where a reused image is kept, if known."""

    name: ImageName
    action: Action
    key: str
    reasons: tuple[Reason, ...]
    parents: tuple[ImageName, ...]
    level: int
    stored: Stored | None = None

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
    then: Baseline,
    *,
    against: str,
    wanted: Collection[ImageName],
    everything: bool = False,
) -> Plan:
    """Compare keys with a baseline. `wanted` narrows the plan to these images and the parents that they need built.

    `everything` builds every wanted image, whatever the baseline knows.
    """
    reasons: dict[ImageName, tuple[Reason, ...]] = {}
    seen: Seen = {}
    for name in graph.order:
        own = _reasons(name, now, then.get(name), seen, forced=everything and name in wanted)
        reasons[name] = own + _from_parents(graph.nodes[name], reasons, own)
    needed = _needed(graph, reasons, wanted)
    images = [
        PlannedImage(
            name=name,
            action=Action.BUILD if reasons[name] else Action.REUSE,
            key=now.keys[name],
            reasons=reasons[name],
            parents=graph.nodes[name].parents,
            level=graph.nodes[name].level,
            stored=None if reasons[name] or name not in then else then[name].stored,
        )
        for name in graph.order
        if name in wanted or (name in needed and reasons[name])
    ]
    told = (one for name in now.remarkable if name in needed for one in now.manifests[name])
    warnings = (text for one in told for text in one.warnings)
    return Plan(
        against=against,
        images=tuple(images),
        total=len(images),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def not_by_key(made: Plan, now: Keys) -> frozenset[ImageName]:
    """The images to build of which a record under the same key says nothing: it may be of before.

    Those are what is forced or unsure, and what stands on that: on what it comes out as, not on its key.
    """
    found = set(now.unsettled)
    for image in made.building:
        always = any(reason.code in (Code.FORCED, Code.UNSURE) for reason in image.reasons)
        if always or not found.isdisjoint(image.parents):
            found.add(image.name)
    return frozenset(found)


def _from_parents(
    node: Node, reasons: Mapping[ImageName, tuple[Reason, ...]], own: tuple[Reason, ...]
) -> tuple[Reason, ...]:
    """A child of what is rebuilt is rebuilt, except where the parent merely is not at hand: the keys are equal then."""
    if any(reason.code in (Code.FIRST_BUILD, Code.FORCED) for reason in own):
        return ()
    rebuilt = [
        parent
        for parent in node.parents
        if any(reason.code is not Code.FIRST_BUILD for reason in reasons[parent])
        and not any(reason.subject == parent for reason in own)
    ]
    if not rebuilt:
        return ()
    where = {use.origin.name: use.span for use in reversed(node.uses) if isinstance(use.origin, ParentImage)}
    return tuple(
        Reason(code=Code.PARENT_CHANGED, subject=parent, detail=f"{parent} is rebuilt", where=where[parent])
        for parent in rebuilt
    )


def _needed(
    graph: ImageGraph, reasons: Mapping[ImageName, tuple[Reason, ...]], wanted: Collection[ImageName]
) -> frozenset[ImageName]:
    """The wanted images, and all that those of them which are built read."""
    needed = set(wanted)
    for name in reversed(graph.order):
        if name in needed and reasons[name]:
            needed.update(graph.nodes[name].parents)
    return frozenset(needed)


def _reasons(name: ImageName, now: Keys, then: Past | None, seen: Seen, *, forced: bool) -> tuple[Reason, ...]:
    unsure = tuple(
        Reason(code=Code.UNSURE, subject=item.name, detail=item.name, where=item.where)
        for manifest in (now.manifests[name] if name in now.facts.remarkable else ())
        for item in manifest.unsure
    )
    if forced:
        return (Reason(code=Code.FORCED, subject=name, detail="asked for with --all"), *unsure)
    if then is None:
        return (Reason(code=Code.FIRST_BUILD, subject=name, detail="was never built"), *unsure)
    if then.lost:
        return (Reason(code=Code.FIRST_BUILD, subject=name, detail=then.lost), *unsure)
    if then.key == now.keys[name]:
        return unsure
    found = tuple(dict.fromkeys((*_changes(name, now, then, seen), *unsure)))
    return found or (_without_name(name, then),)


def _changes(name: ImageName, now: Keys, then: Past, seen: Seen) -> tuple[Reason, ...]:
    if not then.manifests:
        detail = f"was in another state, of which only the key is known: {then.key}"
        return (Reason(code=Code.UNSURE, subject=name, detail=detail),)
    before = {manifest.platform: (manifest, listing) for manifest, listing in then.manifests}
    found: list[Reason] = []
    for manifest in now.manifests[name]:
        old = before.pop(manifest.platform, None)
        if old is None:
            detail = f"{manifest.platform} is new"
            found.append(Reason(code=Code.PLATFORM_CHANGED, subject=manifest.platform, detail=detail))
        else:
            before_it = State(manifest=old[0], files=old[1])
            if then.keys is not None:
                before_it = _state(old[0], then.keys, old[1])
            found.extend(changes(before_it, _state(manifest, now, lister(now, manifest, seen))))
    for platform in before:
        found.append(Reason(code=Code.PLATFORM_CHANGED, subject=platform, detail=f"{platform} is gone"))
    return tuple(found)


def _state(manifest: Manifest, keys: Keys, files: Listing) -> State:
    return State(
        manifest=manifest,
        files=files,
        root=root_of(keys, manifest),
        left_out=left_out_of(keys, manifest),
    )


def _without_name(name: ImageName, then: Past) -> Reason:
    """Why a key is another one although each input has its counterpart, and nothing is unsure now."""
    doubts = [item.name for manifest, _ in then.manifests for item in manifest.unsure]
    if doubts:
        return Reason(code=Code.UNSURE, subject=name, detail=f"was unsure before: {doubts[0]}")
    return Reason(code=Code.INSTRUCTION_CHANGED, subject=name, detail="the same inputs in another order")
