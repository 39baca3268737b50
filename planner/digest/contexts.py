"""Tells which of the folders that a build is given as contexts hold no file.

A folder without a file is in no checkout, and a plain build stops where a context is not there, even if no instruction
reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from planner.digest.ignore_file import context_root
from planner.digest.trace import Traced
from planner.model.image import Image
from planner.ports import MODE_FOLDER


def given(image: Image) -> tuple[str, ...]:
    """The folders of an image's contexts that need not hold its Dockerfile; the workspace itself is none of them."""
    named: tuple[str | None, ...] = ()
    if image.contexts:
        # It loads the reader of Dockerfiles, a third of all that a plan from kept facts would load.
        from planner.sources.origins import local_folder

        named = tuple(local_folder(value) for _, value in image.contexts)
    folders = [folder for folder in (context_root(image, ""), *named) if folder and folder not in (".", "\0")]
    return tuple(
        folder for folder in dict.fromkeys(folders) if image.inline or not image.dockerfile.startswith(f"{folder}/")
    )


def absent(image: Image, tree: Traced, read: Collection[str]) -> Iterator[str]:
    """Those that hold no file. `read` are folders of which files are read: these need not be looked at."""
    for folder in given(image):
        if folder not in read and tree.mode(folder) != MODE_FOLDER:
            yield folder
