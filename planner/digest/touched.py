"""Answers whether an edit of one path could change what a selection reads, however the path is edited.

An edit makes the path a file with any bytes and mode, a symlink to anywhere, or nothing. The selection is evaluated as
the key does it, over trees that suppose each of these, so ignore files, `--exclude`, `--parents`, wildcards and links
count exactly as they do there. Two answers are wider than the truth, and only these:

- a link that would be followed counts, wherever it may lead;
- a folder stands for all that it may ever hold. Where only some of that could count (a `!` line of an ignore file, or
  `--parents`), the folder counts.
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterator

from planner.digest.context_tree import ContextTree
from planner.digest.files import Found, find, has_wildcard
from planner.digest.listing import selected
from planner.digest.reading import Reading
from planner.digest.supposed import LinkRead, Supposed
from planner.digest.trace import Traced
from planner.errors import DefinitionError
from planner.model.frozen import dataclass, replace
from planner.ports import MODE_FILE, MODE_LINK, Tree
from planner.sources.go_match import matches

SUPPOSED_MODES = (MODE_FILE, None, MODE_LINK)

Signature = tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]
"""All that a key takes from a selection: what is missing, what leads out of the context, and what was found."""


def signature(context: ContextTree, reading: Reading) -> Signature:
    """What a selection holds in a context."""
    found = find(context, reading.selection)
    return found.missing, found.escaping, selected(context, reading.selection)


@dataclass(frozen=True, eq=False)
class Watched:
    """One selection with what it holds now."""

    reading: Reading

    @functools.cached_property
    def now(self) -> Signature:
        """What it holds now."""
        return signature(self.reading.context, self.reading)

    @functools.cached_property
    def found(self) -> Found:
        """What it found now."""
        return find(self.reading.context, self.reading.selection)

    @functools.cached_property
    def places(self) -> tuple[str, ...]:
        """Paths of the context at, above or below which everything lies that the selection may look at."""
        if self.reading.selection.whole or self.found.links or self.found.escaping:
            return ("",)
        return (*self.found.roots, *map(_fixed, self.reading.selection.sources))

    @functools.cached_property
    def within(self) -> tuple[str, ...]:
        """Where the files lie that it may take: what it found, and its sources up to their first wildcard."""
        selection = self.reading.selection
        roots = () if selection.parents else self.found.roots  # With --parents the walk begins at the context.
        return (*roots, *map(_literal, selection.sources))

    def looks_for_more_in(self, folder: str) -> bool:
        """Whether a folder is one in which a wildcard's match could appear, although it is none itself."""
        parts = folder.split("/")
        for source in self.reading.selection.sources:
            components = posixpath.normpath(f"/{source}").lstrip("/").split("/")
            if len(parts) >= len(components) or not any(map(has_wildcard, components[: len(parts)])):
                continue
            if self.found.links or all(map(matches, components, parts)):
                return True
        return False


def _literal(source: str) -> str:
    """A source up to its first wildcard."""
    parts: list[str] = []
    for part in posixpath.normpath(f"/{source}").lstrip("/").split("/"):
        if has_wildcard(part) or "\\" in part:
            break
        parts.append(part)
    return "/".join(parts)


def _fixed(source: str) -> str:
    """A source up to a wildcard in its last part; "" where a folder is a wildcard, since links may match it."""
    clean = posixpath.normpath(f"/{source}").lstrip("/")
    folder, _, name = clean.rpartition("/")
    if has_wildcard(folder) or "\\" in clean:
        return ""
    return folder if has_wildcard(name) else clean


class Suppositions:
    """The trees that suppose an edit of one path, and the contexts seen through them: shared by all selections."""

    def __init__(self, tree: Tree, path: str, *, folder: bool) -> None:
        self.path = path
        self.folder = folder
        self.trees = [Supposed(tree, path, mode) for mode in SUPPOSED_MODES]
        self._contexts: dict[tuple[int, int], ContextTree] = {}

    def touch(self, watched: Watched) -> bool:
        """Whether an edit of the path could change what the selection reads."""
        context = watched.reading.context
        inside = _inside(self.path, context.root)
        if inside is None or not any(_near(inside, place) for place in watched.places):
            return False
        if self.folder and _opens_again(watched.reading) and any(_near(inside, place) for place in watched.within):
            return True
        if self.folder and watched.looks_for_more_in(inside):
            return True
        try:
            return any(signature(seen, watched.reading) != watched.now for seen in self._seen(context, inside))
        except (LinkRead, DefinitionError):  # Some edit is refused, which never leaves a key as it was.
            return True

    def _seen(self, context: ContextTree, inside: str) -> Iterator[ContextTree]:
        for number, tree in enumerate(self.trees):
            mark = (number, id(context))
            if mark not in self._contexts:
                # Folders off the way to the path hold what they held: their ids are known.
                memo = dict(context.memo)
                for folder in _upwards(inside):
                    memo.pop(folder, None)
                self._contexts[mark] = replace(context, tree=Traced(tree), memo=memo)
            yield self._contexts[mark]


def _inside(path: str, root: str) -> str | None:
    """A workspace path as the context has it; "" for the context itself or above, None outside."""
    if not root:
        return path
    if path.startswith(f"{root}/"):
        return path[len(root) + 1 :]
    return "" if root == path or root.startswith(f"{path}/") else None


def _upwards(path: str) -> Iterator[str]:
    """The path, the folders above it, and ""."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _near(path: str, place: str) -> bool:
    """Whether one of the two is the other or stands below it."""
    return not path or not place or path == place or path.startswith(f"{place}/") or place.startswith(f"{path}/")


def _opens_again(reading: Reading) -> bool:
    """Whether something below a folder may count though the folder does not."""
    excludes = any(text.strip().startswith("!") for text in reading.selection.excludes)
    return reading.selection.parents or excludes or reading.context.rules.has_exceptions
