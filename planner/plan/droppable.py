"""Says which records may be dropped at all, and in which order, whatever there is too much of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Droppable(Protocol):
    """A record: its row, its image with its platforms, and when it was built and used last (seconds since 1970).

    What was written later has a higher row, whatever the clock said.

    `wanted` ones belong to the present run.
    """

    @property
    def row(self) -> int: ...
    @property
    def image(self) -> str: ...
    @property
    def platforms(self) -> str: ...
    @property
    def built_at(self) -> float: ...
    @property
    def used_at(self) -> float: ...
    @property
    def wanted(self) -> bool: ...


Record = TypeVar("Record", bound=Droppable)


def droppable(records: Iterable[Record]) -> list[Record]:
    """Those that may go, unused for longest first.

    The newest record of each image and its platforms stays, as do those that are wanted: a drop costs a rebuild of a
    state that nobody built or reused for long.
    """
    found = sorted(records, key=lambda one: one.row)
    newest = {(one.image, one.platforms): one.row for one in found}
    may_go = [one for one in found if not one.wanted and one.row != newest[one.image, one.platforms]]
    return sorted(may_go, key=lambda one: (one.used_at, one.built_at, one.row))
