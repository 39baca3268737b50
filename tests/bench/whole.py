"""Hashes every context whole, file by file, as a rule without git's ids must: the row to compare a plan with.

python -m tests.bench.whole FOLDER: prints one digest for each folder that holds a Dockerfile.
"""

from __future__ import annotations

import os
import sys

import xxhash


def digest(folder: str) -> str:
    """The digest of all names and bytes below a folder."""
    hasher = xxhash.xxh3_128()
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = f"{place}/{name}"
            hasher.update(path[len(folder) :].encode("utf-8", "surrogateescape"))
            with open(path, "rb") as stream:
                hasher.update(stream.read())
    return hasher.hexdigest()


if __name__ == "__main__":
    for item in sorted(os.scandir(sys.argv[1]), key=lambda item: item.name):
        if os.path.exists(f"{item.path}/Dockerfile"):  # noqa: PTH110 -- as quick as it can be
            print(item.name, digest(item.path))
