"""Turns a selection (`COPY src…`, a bind mount) over a tree into the exact files that BuildKit would read.

Follows fsutil's copy (`ResolveWildcards`, `include`/`exclude`) and BuildKit's file op: wildcards match one path
component each, a folder gives its contents, symlinked sources are followed inside the context.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator, Sequence

from planner.digest.context_tree import ContextTree
from planner.model.entry import MODE_FOLDER, MODE_LINK
from planner.model.frozen import dataclass
from planner.model.selection import Selection
from planner.sources.go_match import matches
from planner.sources.ignore_rules import IgnoreRules

MAX_LINKS = 255
MAX_LINK_BYTES = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a selection found. `roots` are context paths of whole files, links or folders ("" is the context).

    `links` are the symlinks passed on the way: they count too. `folders` must be there although nothing of them may be
    copied: those that wildcards are looked for in, and such in the place of files that `--parents` names and
    `--exclude` takes away. `missing` are sources without a wildcard that found nothing: BuildKit would stop there.
    `escaping` are sources that climb above the context by a link: they are looked for at its root.
    """

    roots: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    escaping: tuple[str, ...] = ()


def find(context: ContextTree, selection: Selection) -> Found:
    """The files, links and folders that a selection reads."""
    if selection.whole:
        return Found(roots=("",))
    roots: list[str] = []
    links: list[str] = []
    folders: list[str] = []
    missing: list[str] = []
    escaping: list[str] = []
    for source in selection.sources:
        pattern = _pivoted(source)[0] if selection.parents else _clean(source)
        starts = [pattern]
        if has_wildcard(pattern) and not selection.mount:
            components = pattern.split("/")
            plain = list(itertools.takewhile(_is_plain, components))
            folder, passed, escapes = follow(context, "/".join(plain))
            links.extend(passed)
            starts = []
            escaping.extend([source] if escapes else ())
            if folder is None:
                missing.append(source)
            else:
                starts = list(_globbed(context, folder, components[len(plain) :]))
                folders.extend([folder] if folder else ())
        for start in starts:
            end, passed, escapes = follow(context, start)
            links.extend(passed)
            escaping.extend([source] if escapes else ())
            if end is None:
                missing.append(source)
            else:
                roots.append(end)
    folders.extend(_left_out(context, selection, roots))
    return Found(
        roots=tuple(dict.fromkeys(roots)),
        links=tuple(dict.fromkeys(links)),
        folders=tuple(dict.fromkeys(folders)),
        missing=tuple(missing),
        escaping=tuple(dict.fromkeys(escaping)),
    )


def _left_out(context: ContextTree, selection: Selection, roots: Sequence[str]) -> Iterator[str]:
    """For each source of `--parents` one file that it names and `--exclude` takes away.

    BuildKit looks for the source's folder in what it was sent, and it is not sent where nothing in it is asked for.
    """
    if not (selection.parents and selection.excludes):
        return
    excludes = IgnoreRules.of(selection.excludes, "--exclude")
    for root, patterns in zip(roots, inclusion(selection), strict=False):
        wanted = IgnoreRules.of(patterns, "--parents")
        for path, _ in context.files(root):
            below = path[len(root) :].lstrip("/")
            if wanted.ignores(below) and excludes.ignores(below):
                yield path
                break


def _pivoted(source: str) -> tuple[str, str]:
    """`--parents` copies `pattern` below the pivot `/./`; without one the root is where it begins."""
    parent, pivot, pattern = source.partition("/./")
    return (_clean(parent), _clean(pattern)) if pivot else ("", _clean(source))


def inclusion(selection: Selection) -> tuple[tuple[str, ...], ...]:
    """For `--parents`: the patterns that must match below each source's pivot, one tuple for each source."""
    return tuple((_pivoted(source)[1],) for source in selection.sources) if selection.parents else ()


def _clean(source: str) -> str:
    return posixpath.normpath("/" + source).lstrip("/")


def has_wildcard(text: str) -> bool:
    """Whether Go's filepath.Match finds something to expand: `*`, `?` or `[` that no backslash takes away."""
    escaped = False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in "*?[":
            return True
    return False


def _is_plain(component: str) -> bool:
    return not has_wildcard(component)


def _globbed(context: ContextTree, folder: str, components: Sequence[str]) -> Iterator[str]:
    """Paths below a folder that match, component by component.

    Links lead on before the first wildcard only (fsutil's `resolveWildcards` walks from there and follows none).
    """
    found = [folder]
    for number, component in enumerate(components):
        folders = found if not number else [path for path in found if context.mode(path) == MODE_FOLDER]
        found = [f"{at}/{name}" if at else name for at in folders for name in _matching(context, at, component)]
    yield from found


def _matching(context: ContextTree, folder: str, component: str) -> list[str]:
    """The names in a folder that match; a name without wildcard is asked for alone, so that no other one counts."""
    if not has_wildcard(component) and "\\" not in component:
        return [component] if context.mode(f"{folder}/{component}" if folder else component) else []
    return [entry.name for entry in context.entries(folder) if matches(component, entry.name)]


def follow(context: ContextTree, path: str) -> tuple[str | None, tuple[str, ...], bool]:
    """Where a path ends after its links, the links passed, and whether one tried to leave the context.

    A link is resolved with the context as its root, as BuildKit does (continuity's `fs.RootPath`); one that would
    climb above it stays at the root there, which never is what its author meant, so it is told as escaping.
    """
    waiting = [part for part in path.split("/") if part]
    done: list[str] = []
    links: list[str] = []
    escapes = False
    while waiting:
        part = waiting.pop(0)
        if part == "..":
            escapes = escapes or not done
            del done[-1:]
            continue
        here = "/".join([*done, part])
        mode = context.mode(here)
        if not mode:
            return None, tuple(links), escapes
        if mode != MODE_LINK:
            done.append(part)
            continue
        links.append(here)
        if len(links) > MAX_LINKS:
            return None, tuple(links), escapes
        target = context.tree.read(context.path(here), MAX_LINK_BYTES).decode("utf-8", "surrogateescape")
        if target.startswith("/"):
            done = []
        waiting = [piece for piece in target.split("/") if piece not in ("", ".")] + waiting
    return "/".join(done), tuple(dict.fromkeys(links)), escapes
