"""Turns a plan into a tree of causes for people: what changed, and below it everything that follows."""

from __future__ import annotations

from planner.explain.text import Palette, place, printable
from planner.model.image import ImageName
from planner.plan.reasons import Code, Reason
from planner.plan.rebuild import Action, Plan, PlannedImage

MAX_REASONS = 8
"""Reasons shown for one image; JSON has them all."""
HEAD = "build  "
MAX_REUSED, FIRST = 20, 3
"""Reused images that have a line each; of more, the first ones are named. JSON has them all."""


def plan_text(plan: Plan, palette: Palette) -> str:
    """The images to build as trees, an image below the first of its parents that is built; then what is reused."""
    tree = _Tree(plan, palette)
    lines = [line for root in tree.roots for line in tree.lines(root)]
    reused = [image.name for image in plan.images if image.action is Action.REUSE]
    if reused and lines:
        lines.append("")
    named = [", ".join(reused[:FIRST]) + f" and {len(reused) - FIRST} more"] if len(reused) > MAX_REUSED else reused
    lines.extend(f"{palette.paint('reuse', '32')}  {text}" for text in named)
    if lines:
        lines.append("")
    verb = "rebuilds" if len(plan.building) == 1 else "rebuild"
    count = f"{len(plan.building)} of {plan.total} image{'' if plan.total == 1 else 's'}"
    return "\n".join([*lines, palette.paint(f"{count} {verb}", "1") + f" against {plan.against}"])


class _Tree:
    """The images to build, each below one of its parents."""

    def __init__(self, plan: Plan, palette: Palette) -> None:
        self.palette = palette
        self.images = {image.name: image for image in plan.building}
        self.below: dict[ImageName, list[ImageName]] = {name: [] for name in self.images}
        self.roots: list[ImageName] = []
        for image in plan.building:
            above = _above(image, self.images)
            if above:
                self.below[above[0]].append(image.name)
            else:
                self.roots.append(image.name)

    def lines(self, root: ImageName) -> list[str]:
        """An image with its reasons, and below it what follows from it. A family may be deeper than Python recurses."""
        lines: list[str] = []
        waiting = [(root, "", " " * len(HEAD))]
        while waiting:
            name, head, indent = waiting.pop()
            lines += self._told(name, head, indent)
            children = [(child, indent + "├─ ", indent + "│  ") for child in self.below[name]]
            children[-1:] = [(child, indent + "└─ ", indent + "   ") for child in self.below[name][-1:]]
            waiting += reversed(children)
        return lines

    def _told(self, name: ImageName, head: str, indent: str) -> list[str]:
        """One image with its reasons; `indent` stands before every line under the first."""
        image = self.images[name]
        above = _above(image, self.images)
        reasons = [reason for reason in image.reasons if not (above and _is_of(reason, above[0]))]
        mark = head or f"{self.palette.paint('build', '33')}  "
        first = f"{mark}{self.palette.paint(name, '1')}"
        if above and not reasons:
            entered = next((reason for reason in image.reasons if _is_of(reason, above[0])), None)
            return [f"{first}{self._place(entered)}"]
        told = [self._reason(reason) for reason in reasons[:MAX_REASONS]]
        if len(reasons) > MAX_REASONS:
            told.append(f"… and {len(reasons) - MAX_REASONS} more")
        bar = "│  " if self.below[name] else ""
        if len(told) == 1 and reasons[0].code in (Code.FIRST_BUILD, Code.FORCED):
            return [f"{first}  {told[0]}"]
        return [first, *(f"{indent}{bar}{text}" for text in told)]

    def _reason(self, reason: Reason) -> str:
        return f"{reason.code.replace('-', ' ')}: {printable(reason.detail)}{self._place(reason)}"

    def _place(self, reason: Reason | None) -> str:
        if reason is None or reason.where is None:
            return ""
        return f"  {self.palette.paint(f'({place(reason.where)})', '2')}"


def _above(image: PlannedImage, images: dict[ImageName, PlannedImage]) -> list[ImageName]:
    """The parents of an image that are built too, the one that its first reason names first."""
    named = [reason.subject for reason in image.reasons if reason.code is Code.PARENT_CHANGED]
    return sorted((name for name in image.parents if name in images), key=lambda name: (name not in named, name))


def _is_of(reason: Reason, parent: ImageName) -> bool:
    return reason.code is Code.PARENT_CHANGED and reason.subject == parent
