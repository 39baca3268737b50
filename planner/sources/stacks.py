"""Adds to mistakes about an image the calls of the macro that made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from planner.errors import Mistake
from planner.model.image import Family, Span


def in_order(mistakes: Iterable[Mistake], family: Family) -> list[Mistake]:
    """The mistakes by place, each once, with the stack of the images that are declared there, if they have but one."""
    stacks: dict[tuple[str, int], set[tuple[Span, ...]]] = defaultdict(set)
    for image in family.images:
        stacks[image.span.file, image.span.line].add(image.stack)
    told = {_with_stack(one, stacks.get((one.file, one.line), set())) for one in mistakes}
    return sorted(told, key=lambda one: (one.file, one.line, one.column))


def _with_stack(mistake: Mistake, stacks: set[tuple[Span, ...]]) -> Mistake:
    if len(stacks) != 1 or not (stack := next(iter(stacks))):
        return mistake
    calls = called(stack)
    return mistake._replace(hint=f"{mistake.hint}\n  {calls}" if mistake.hint else calls)


def called(stack: tuple[Span, ...]) -> str:
    """The calls of a macro on one line, the outermost first."""
    shown = [str(span) for span in stack]
    if len(shown) > 10:
        shown = [*shown[:8], "…", shown[-1]]
    return f"called at {' → '.join(shown)}"
