"""Turns a selection (`COPY src…`, a bind mount) over a tree into the exact files that BuildKit would read.

Follows fsutil's copy (`ResolveWildcards`, `include`/`exclude`) and BuildKit's file op: wildcards match one path
component each, a folder gives its contents, symlinked sources are followed inside the context.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterator, Sequence

from planner.digest.trace import SEEN, UNREAD, Traced, names_of
from planner.errors import DefinitionError, InputError, Mistake
from planner.model.entry import MODE_FOLDER, MODE_LINK, Entry
from planner.model.frozen import dataclass, field
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


@dataclass(frozen=True, slots=True)
class ContextTree:
    """A build context: the folder `root` of a tree, seen through ignore rules. Paths are relative to the context.

    Where there are rules, whoever watches the tree is told of what they leave of a folder. Nothing else of it is asked,
    so that what is left out counts for no key and is not looked at, unless a `!` may bring some of it back.
    """

    tree: Traced
    root: str
    rules: IgnoreRules
    memo: dict[str, str] = field(default_factory=dict, compare=False)

    def path(self, path: str) -> str:
        """The tree's path of a context path."""
        return posixpath.join(self.root, path) if path else self.root

    def entry(self, path: str) -> Entry | None:
        """The entry at a context path, None where nothing is or where it is ignored.

        An ignored folder stands where an exception brings a file below it back.
        """
        if not path:
            return Entry("", MODE_FOLDER, "")
        return self.tree.entry(self.path(path)) if self.mode(path) else None

    def mode(self, path: str) -> int:
        """The mode of the entry at a context path, 0 where there is none. Asks for nothing that a folder holds."""
        if not path:
            return MODE_FOLDER
        mode = self.tree.mode(self.path(path))
        if not mode or not self.rules.ignores(path):
            self._refuse_emptied(path, mode)
            return mode
        if mode != MODE_FOLDER or self.rules.closes(path):
            return 0
        self._note(path, self.seen_in(path))
        return mode if self._holds_any(path) else 0

    def _refuse_emptied(self, path: str, mode: int) -> None:
        """Raises DefinitionError for a file that is not ignored and that BuildKit would send empty."""
        if not self.rules.rules or not mode or mode in (MODE_FOLDER, MODE_LINK):
            return
        if (rule := self.rules.emptied_by(path)) is not None:
            what = f"{rule.text} leaves out a folder above {path} once more, after a line brought {path} back"
            hint = "put it before the line with the !: BuildKit would list the file and send it empty"
            raise DefinitionError([Mistake(file=self.rules.file, line=rule.line, what=what, hint=hint)])

    def entries(self, folder: str) -> Sequence[Entry]:
        """What a folder of the context holds, ignored names left out; no more than their kinds is asked."""
        if not self.rules.rules:
            return self.tree.entries(self.path(folder))
        found = self._kept_in(folder)
        self._note(folder, names_of(self.tree, found))
        return found

    def names_in(self, folder: str) -> str:
        """What a trace holds of a folder of which the names were asked."""
        return names_of(self.tree, self._kept_in(folder))

    def seen_in(self, folder: str) -> str:
        """What a trace holds of a folder of which all was asked; where some cannot be read, nothing agrees."""
        try:
            return f"{SEEN}{self._id_of(folder)}"
        except InputError:
            return UNREAD

    def _note(self, folder: str, said: str) -> None:
        self.tree.seen(self.path(folder), self.root, self.rules.file, said)

    def _kept_in(self, folder: str) -> list[Entry]:
        kept: list[Entry] = []
        for entry in self._listed(folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            is_out = self.rules.ignores(path)
            if not is_out or (entry.mode == MODE_FOLDER and not self.rules.closes(path) and self._holds_any(path)):
                kept.append(entry)
        return kept

    def _listed(self, folder: str) -> Sequence[Entry]:
        """What a folder holds, of which nobody is told."""
        return self.tree.tree.entries(self.path(folder))

    def files(
        self, folder: str, excludes: IgnoreRules | None = None, *, folders: bool = False
    ) -> Iterator[tuple[str, Entry]]:
        """Every file and link under a folder of the context, with its context path, in the order of its bytes.

        `excludes` are judged by the path relative to the folder. `folders` asks for the folders too, except those that
        are excluded or of which the context holds no file. Raises DefinitionError for a file that BuildKit would empty.
        """
        if not (self.rules.rules or excludes or folders):
            yield from self._all(folder, self.path(folder))
            return
        if self.rules.rules:
            self._note(folder, self.seen_in(folder))
        else:
            self.tree.entries(self.path(folder))
        for path, entry in self._walk(folder, excludes, "", folders=folders):
            self._refuse_emptied(path, entry.mode)
            yield path, entry

    def _all(self, folder: str, place: str) -> Iterator[tuple[str, Entry]]:
        """Every file and link, where no rule leaves any out: most contexts have none, and some hold very many."""
        # No call for each level: folders nest by thousands.
        waiting = [(folder, place, iter(self.tree.entries(place)))]
        while waiting:
            folder, place, rest = waiting[-1]
            head, below = f"{folder}/" if folder else "", f"{place}/" if place else ""
            for entry in rest:
                if entry.mode == MODE_FOLDER:
                    inside = below + entry.name
                    waiting.append((head + entry.name, inside, iter(self.tree.entries(inside))))
                    break
                yield head + entry.name, entry
            else:
                waiting.pop()

    def _walk(
        self, folder: str, excludes: IgnoreRules | None = None, below: str = "", *, folders: bool = False
    ) -> Iterator[tuple[str, Entry]]:
        waiting = [(folder, below, iter(self._listed(folder)))]
        while waiting:
            folder, below, rest = waiting[-1]
            for entry in rest:
                path = f"{folder}/{entry.name}" if folder else entry.name
                inside = f"{below}/{entry.name}" if below else entry.name
                if entry.mode == MODE_FOLDER:
                    if self._skips(self.rules, path) or (excludes is not None and self._skips(excludes, inside)):
                        continue
                    if folders and not (excludes is not None and excludes.ignores(inside)) and self._holds_any(path):
                        yield path, entry
                    waiting.append((path, inside, iter(self._listed(path))))
                    break
                if not self.rules.ignores(path) and not (excludes is not None and excludes.ignores(inside)):
                    yield path, entry
            else:
                waiting.pop()

    def _holds_any(self, folder: str) -> bool:
        # A tree has no folder without a file, so one that no rule speaks of holds some.
        return not self.rules.could_match_below(folder) or next(self._walk(folder), None) is not None

    @staticmethod
    def _skips(rules: IgnoreRules, folder: str) -> bool:
        return rules.closes(folder)

    def folder_id(self, folder: str) -> str:
        """The git tree id of a folder as the context shows it; equal to the plain id where nothing is ignored."""
        place = self.path(folder)
        if not self.rules.could_match_below(folder):
            found = self.tree.entry(place) if place else None
            if found is not None:
                return found.oid
        oid = self._id_of(folder)
        if self.rules.rules:
            self._note(folder, self.seen_in(folder))
        else:
            self.tree.entries(place)  # Asked even where the answer is known, for whoever watches the tree.
        return oid

    def _id_of(self, folder: str) -> str:
        if folder not in self.memo:
            for one in reversed(self._unknown_below(folder)):
                self.memo[one] = self._folder_id(one)
        return self.memo[folder]

    def _unknown_below(self, folder: str) -> list[str]:
        """The folder and those below it whose ids are to be found, each before those that it holds."""
        found = [folder]
        for at in found:  # It grows on the way.
            for entry in self._listed(at):
                path = f"{at}/{entry.name}" if at else entry.name
                is_open = entry.mode == MODE_FOLDER and not self._skips(self.rules, path) and path not in self.memo
                if is_open and self.rules.could_match_below(path):
                    found.append(path)
        return found

    def _folder_id(self, folder: str) -> str:
        kept: list[Entry] = []
        for entry in self._listed(folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.mode != MODE_FOLDER:
                if not self.rules.ignores(path):
                    self._refuse_emptied(path, entry.mode)
                    kept.append(entry)
            elif not self._skips(self.rules, path) and (oid := self._id_below(entry, path)):
                kept.append(Entry(entry.name, entry.mode, oid))
        return self.tree.tree_id(kept) if kept else ""

    def _id_below(self, entry: Entry, path: str) -> str:
        return self._id_of(path) if self.rules.could_match_below(path) else entry.oid


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
