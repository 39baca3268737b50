"""A Tree of texts in memory."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from planner.errors import InputError
from planner.local.ids import blob_id, by_name, tree_id
from planner.ports import MODE_FILE, MODE_FOLDER, Entry


class MemoryTree:
    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def entries(self, path: str) -> Sequence[Entry]:
        above = f"{path}/" if path else ""
        names = {file[len(above) :].split("/")[0] for file in self.files if file.startswith(above)}
        return by_name([entry for name in names if (entry := self.entry(above + name)) is not None])

    def entry(self, path: str) -> Entry | None:
        name = path.rpartition("/")[2]
        if path in self.files:
            return Entry(name, MODE_FILE, blob_id(self.files[path].encode(), "sha1"))
        if any(file.startswith(f"{path}/") for file in self.files):
            return Entry(name, MODE_FOLDER, self.tree_id(self.entries(path)))
        return None

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.files:
            raise InputError(f"{path}: is not there")
        return self.files[path].encode()[:limit]

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.read(path, 1 << 30))

    def tree_id(self, entries: Sequence[Entry]) -> str:
        return tree_id(entries, "sha1")
