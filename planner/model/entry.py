"""One name in a folder, as git writes it down. A named tuple, because the shortest way to an answer loads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planner.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MODE_FILE = 0o100644
MODE_EXECUTABLE = 0o100755
MODE_LINK = 0o120000
MODE_FOLDER = 0o040000


class Entry(NamedTuple):
    """One name in a folder: git's mode and git's object id (hexadecimal, in the repository's own format).

    A folder's id is its git tree id over what the tree holds *now* (dirty, untracked and ignored files included,
    empty folders dropped), so two folders with the same bytes have the same id in every kind of tree.
    """

    name: str
    mode: int
    oid: str

    @property
    def stands_for(self) -> str:
        """Its id, or what stands for that where it could not be read: enough to see that something changed."""
        return self[2].partition(" ")[0]


class Unread(Entry):
    """An entry that is there and could not be read: whoever needs its id is told why, and nobody else is.

    What an ignore file leaves out may belong to somebody else, as the files of a database do.
    """

    __slots__ = ()

    @classmethod
    def of(cls, name: str, mode: int, why: object, rest: str = "") -> Unread:
        """`rest` is an id of all else that a folder holds."""
        return cls(name, mode, f"!{rest} {why}")

    @property
    def oid(self) -> str:
        """Raises InputError."""
        raise InputError(self[2].partition(" ")[2])


def folder_entry(name: str, inside: Sequence[Entry], tree_id: Callable[[Sequence[Entry]], str]) -> Entry:
    """A folder with these entries, some of which may be unread."""
    try:
        return Entry(name, MODE_FOLDER, tree_id(inside))
    except InputError as error:
        read = [Entry(entry.name, entry.mode, entry.stands_for.lstrip("!")) for entry in inside]
        return Unread.of(name, MODE_FOLDER, error, tree_id(read))
