"""Turns a plan into the answer to "why this image": the shortest chain from a real change to it, and all causes."""

from __future__ import annotations

from collections import deque

from planner.digest.inputs import Input
from planner.model.frozen import dataclass
from planner.model.graph import ImageGraph, ParentImage, Use
from planner.model.image import ImageName, Span
from planner.plan.reasons import Code, Reason
from planner.plan.rebuild import Action, Plan, PlannedImage


@dataclass(frozen=True, kw_only=True)
class Link:
    """One step of a chain: `child` reads `parent`, in the way and at the place of `use`."""

    child: ImageName
    parent: ImageName
    use: Use


@dataclass(frozen=True, kw_only=True)
class Cause:
    """An image that is rebuilt for reasons of its own, and how many links above the asked image it stands.

    `stack` are the calls of the macro that made it, the outermost first.
    """

    image: ImageName
    hops: int
    reasons: tuple[Reason, ...]
    stack: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why an image is rebuilt. `chain` leads from it to the nearest cause; `causes` are all of them, nearest first.

    `uncached` holds, for the image itself, the first step of each stage that is not cached. All are empty for an
    image that is not rebuilt.
    """

    image: ImageName
    from_: str
    to: str
    chain: tuple[Link, ...] = ()
    causes: tuple[Cause, ...] = ()
    uncached: tuple[Input, ...] = ()

    @property
    def rebuilds(self) -> bool:
        """Whether the image is rebuilt at all."""
        return bool(self.causes)


def why(plan: Plan, graph: ImageGraph, name: ImageName, *, to: str, uncached: tuple[Input, ...] = ()) -> Why:
    """The answer for one image of a plan that holds it and what it stands on."""
    planned = {image.name: image for image in plan.images if image.action is Action.BUILD}
    if name not in planned:
        return Why(image=name, from_=plan.against, to=to)
    reached = _above(planned, name)
    causes = tuple(
        Cause(image=image, hops=len(path), reasons=planned[image].own, stack=graph.nodes[image].image.stack)
        for image, path in reached.items()
        if planned[image].own
    )
    nearest = reached[causes[0].image] if causes else ()
    links = tuple(Link(child=child, parent=parent, use=_use(graph, child, parent)) for child, parent in nearest)
    return Why(image=name, from_=plan.against, to=to, chain=links, causes=causes, uncached=uncached)


Path = tuple[tuple[ImageName, ImageName], ...]


def _above(planned: dict[ImageName, PlannedImage], name: ImageName) -> dict[ImageName, Path]:
    """The image and all that it is rebuilt for, nearest first, each with a shortest way to it."""
    found: dict[ImageName, Path] = {name: ()}
    waiting = deque([name])
    while waiting:
        child = waiting.popleft()
        for reason in planned[child].reasons:
            parent = ImageName(reason.subject)
            if reason.code is Code.PARENT_CHANGED and parent in planned and parent not in found:
                found[parent] = (*found[child], (child, parent))
                waiting.append(parent)
    return found


def _use(graph: ImageGraph, child: ImageName, parent: ImageName) -> Use:
    return next(use for use in graph.nodes[child].uses if use.origin == ParentImage(name=parent))
