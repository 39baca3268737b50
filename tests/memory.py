"""A tree in memory, for laws that are tried on thousands of trees."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from planner.errors import InputError
from planner.local.ids import blob_id, by_name, tree_id
from planner.ports import MODE_FILE, MODE_FOLDER, MODE_LINK, Entry

Files = Mapping[str, str]
"""Paths with their text; a text that begins with `->` is a symlink."""


class MemoryTree:
    """Files by path, as a Tree."""

    def __init__(self, files: Files) -> None:
        self.files = dict(files)

    def entry(self, path: str) -> Entry | None:
        name = path.rpartition("/")[2]
        text = self.files.get(path)
        if text is not None:
            mode = MODE_LINK if text.startswith("->") else MODE_FILE
            return Entry(name, mode, blob_id(self._bytes(text), "sha1"))
        inside = self.entries(path)
        return Entry(name, MODE_FOLDER, self.tree_id(inside)) if path and inside else None

    def entries(self, path: str) -> Sequence[Entry]:
        head = f"{path}/" if path else ""
        names = {name[len(head) :].partition("/")[0] for name in self.files if name.startswith(head)}
        return by_name([entry for name in names if (entry := self.entry(head + name)) is not None])

    def _bytes(self, text: str) -> bytes:
        return text.removeprefix("->").encode()

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.files:
            raise InputError(f"{path}: is not there")
        return self._bytes(self.files[path])[:limit]

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.read(path, 1 << 20))

    def tree_id(self, entries: Sequence[Entry]) -> str:
        return tree_id(entries, "sha1")


def with_path(files: Files, path: str, text: str | None) -> dict[str, str]:
    """The files with a path written, made a link, or removed; what is in its way or below it goes."""
    kept = {
        name: value
        for name, value in files.items()
        if name != path and not name.startswith(f"{path}/") and not (text is not None and path.startswith(f"{name}/"))
    }
    return kept if text is None else {**kept, path: text}
