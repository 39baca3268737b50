"""What reads values that somebody wrote, in whatever language: types are checked, mistakes are kept with their places.

A node is whatever a language makes of a value; only the desk of that language looks into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from planner.model.image import Doubt, Span

Node = Any


class Desk(Protocol):
    """Reads nodes of one language."""

    @property
    def doubts(self) -> list[Doubt]:
        """What is left open."""
        ...

    @property
    def undeclared(self) -> str:
        """What to do about a variable that nobody declared."""
        ...

    def span(self, node: Node) -> Span:
        """Where a node is written."""
        ...

    def wrong(self, node: Node, what: str, hint: str = "") -> None:
        """Keep a mistake at a node."""
        ...

    def fields(self, node: Node, path: str, known: Sequence[str] = ()) -> dict[str, tuple[Node, Node]]:
        """The entries of a mapping by name, each with the node of its name; unknown names are mistakes."""
        ...

    def items(self, node: Node, path: str) -> tuple[Node, ...]:
        """The entries of a list; one text stands for a list of one."""
        ...

    def text(self, node: Node, path: str) -> str | None:
        """The text of a node; None, and a mistake, where it has none."""
        ...
