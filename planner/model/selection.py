"""What one step of a Dockerfile reads from a context, by pattern."""

from __future__ import annotations

from planner.model.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Files that one step reads from a context.

    `context` is "" for the build context, else a folder of the workspace, "." for the workspace itself.

    `sources` are patterns relative to the context's root. `optional` sources may be missing (a bind mount may not).
    `whole` asks for everything, because a variable that only the external base knows stands in a source.
    """

    context: str
    sources: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    parents: bool = False
    mount: bool = False
    whole: bool = False
    reason: str = ""
