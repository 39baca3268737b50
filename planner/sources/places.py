"""What definitions are found by, which is less than a Tree tells: few edits change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from planner.model.entry import MODE_FOLDER
from planner.ports import Tree


@runtime_checkable
class Places(Protocol):
    """Names, and what stands there: no more of it is asked."""

    def is_there(self, path: str) -> bool:
        """Whether anything is at a path."""
        ...

    def names(self, path: str) -> Sequence[tuple[str, bool]]:
        """The names in a folder, and whether each is a folder."""
        ...


class PlacesOf:
    """The places of a tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def is_there(self, path: str) -> bool:
        """See Places."""
        return self.tree.entry(path) is not None

    def names(self, path: str) -> Sequence[tuple[str, bool]]:
        """See Places."""
        return [(entry.name, entry.mode == MODE_FOLDER) for entry in self.tree.entries(path)]


def places_of(tree: Tree) -> Places:
    """The places of a tree; its own, where it takes note of what is asked of them."""
    return tree if isinstance(tree, Places) else PlacesOf(tree)
