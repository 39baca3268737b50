"""A build context as BuildKit is sent it: a folder of a tree without what its ignore rules leave out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from planner.digest.trace import SEEN, UNREAD, Traced, names_of
from planner.errors import DefinitionError, InputError, Mistake
from planner.model.entry import MODE_FOLDER, MODE_LINK, Entry
from planner.model.frozen import dataclass, field
from planner.sources.ignore_rules import IgnoreRules


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
                    if self.rules.closes(path) or (excludes is not None and excludes.closes(inside)):
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
                is_open = entry.mode == MODE_FOLDER and not self.rules.closes(path) and path not in self.memo
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
            elif not self.rules.closes(path) and (oid := self._id_below(entry, path)):
                kept.append(Entry(entry.name, entry.mode, oid))
        return self.tree.tree_id(kept) if kept else ""

    def _id_below(self, entry: Entry, path: str) -> str:
        return self._id_of(path) if self.rules.could_match_below(path) else entry.oid
