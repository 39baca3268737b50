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


class Promised(Entry):
    """An entry whose id is made when somebody asks for it, once: most of what is on disk is of no image."""

    __slots__ = ()

    @classmethod
    def of(cls, name: str, mode: int, make: Callable[[], Entry]) -> Promised:
        """`make` gives the same entry with its id, or one that is unread, however often it is called."""
        return cls(name, mode, make)  # type: ignore[arg-type]

    @property
    def made(self) -> Entry:
        """The entry with its id."""
        return self[2]()  # type: ignore[operator, no-any-return]

    @property
    def oid(self) -> str:
        """Raises InputError for what cannot be read."""
        return self.made.oid

    @property
    def stands_for(self) -> str:
        """See Entry."""
        return self.made.stands_for

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and tuple(self[:2]) == other[:2] and self.stands_for == other.stands_for

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


def folder_entry(name: str, inside: Sequence[Entry], tree_id: Callable[[Sequence[Entry]], str]) -> Entry:
    """A folder with these entries, some of which may be unread."""
    try:
        return Entry(name, MODE_FOLDER, tree_id(inside))
    except InputError as error:
        read = [Entry(entry.name, entry.mode, entry.stands_for.lstrip("!")) for entry in inside]
        return Unread.of(name, MODE_FOLDER, error, tree_id(read))
