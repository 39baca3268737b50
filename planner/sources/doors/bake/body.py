"""What a Bake file is made of: bodies with settings and blocks, whether they were written in HCL or in JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.sources.doors.bake.syntax import Node, Scope
from planner.sources.doors.bake.trouble import Source, Wrong
from planner.sources.doors.bake.values import Value


@dataclass(slots=True)
class Setting:
    """`name = expression`."""

    name: str
    node: Node
    at: int
    source: Source

    def value(self, scope: Scope) -> Value:
        """What it is worth. Raises Wrong with its place."""
        try:
            return self.node.value(scope)
        except Wrong as error:
            raise error.placed(self.source, self.at) from None

    def wrong(self, what: str, hint: str = "") -> Wrong:
        """An error at this setting."""
        return Wrong(what, self.at, hint, self.source)


@dataclass(slots=True)
class Body:
    """Settings by name, and blocks in their order."""

    source: Source
    at: int = 0
    settings: dict[str, Setting] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """`kind "label" { … }`."""

    kind: str
    labels: tuple[str, ...]
    body: Body
    at: int
    source: Source

    def wrong(self, what: str, hint: str = "") -> Wrong:
        """An error at this block."""
        return Wrong(what, self.at, hint, self.source)
