"""Finds the ignore file of a context: by name, through symlinks, as BuildKit's own reading of it would."""

from __future__ import annotations

import posixpath

from planner.digest.context_tree import ContextTree
from planner.digest.files import follow
from planner.digest.trace import Traced
from planner.errors import DefinitionError, Mistake
from planner.model.frozen import dataclass
from planner.model.image import Image
from planner.ports import MODE_FOLDER
from planner.sources.ignore_rules import IgnoreRules


@dataclass(frozen=True, kw_only=True, slots=True)
class IgnoreFile:
    """`place` is the file whose rules count, "" where there is none; `looked` every path that decided it, in order."""

    place: str
    looked: tuple[str, ...]


def context_root(image: Image, folder: str) -> str:
    """The workspace folder of a context: "" for the build context, else that of a named one."""
    place = folder or image.context
    return "" if place == "." else place


def ignore_file(tree: Traced, image: Image, folder: str) -> IgnoreFile:
    """The ignore file of a context: that of the Dockerfile where it can be read, else that of the context's root.

    Symlinks are followed within the folder that BuildKit is given, the Dockerfile's or the context; one that leads to
    nothing is as if it were not there (frontend/dockerui/config.go, v0.32.2: errors of reading are let pass). Raises
    DefinitionError for one that leads out, which BuildKit would read as no ignore file, and nobody means.
    """
    shared = context_root(image, folder)
    places = [(shared, ".dockerignore")]
    if not folder and not image.inline:
        own, _, name = image.dockerfile.rpartition("/")
        places.insert(0, (own, f"{name}.dockerignore"))
    looked: list[str] = []
    for root, name in places:
        inside = ContextTree(tree, root, IgnoreRules())
        end, links, escapes = follow(inside, name)
        looked += map(inside.path, dict.fromkeys((*links, *([end] if end else ()), name)))
        if escapes:
            what = "an ignore file that leads out of its folder through a symlink is not read"
            hint = "put a regular file in its place"
            raise DefinitionError([Mistake(file=posixpath.join(root, name), what=what, hint=hint)])
        found = tree.entry(inside.path(end)) if end else None
        if end and found is not None and found.mode != MODE_FOLDER:
            return IgnoreFile(place=inside.path(end), looked=tuple(looked))
    return IgnoreFile(place="", looked=tuple(looked))
