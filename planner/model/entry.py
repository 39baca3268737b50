"""One name in a folder, as git writes it down. A named tuple, because the shortest way to an answer loads it."""

from __future__ import annotations

from typing import NamedTuple

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
