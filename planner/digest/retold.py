"""Tells whether a tree says now what a trace holds: of folders of a context too, which an ignore file thins out."""

from __future__ import annotations

from planner.digest.context_tree import ContextTree
from planner.digest.trace import (
    FOLDER,
    FOUND,
    NAMES,
    SEEN,
    SPLIT,
    THERE,
    UNREAD,
    Trace,
    Traced,
    kind_told,
    names_told,
    there_told,
    told,
)
from planner.errors import DefinitionError, InputError
from planner.ports import Tree
from planner.sources.ignore_rules import MAX_BYTES, IgnoreRules


class Retold:
    """What one tree says. Contexts are looked at once, however many traces hold them."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._rules: dict[str, IgnoreRules] = {}
        self._contexts: dict[tuple[str, str], ContextTree] = {}
        self._seen: dict[tuple[str, bool], str] = {}

    def agrees(self, trace: Trace) -> bool:
        """Whether the tree says the same of every path."""
        return all(said == self.told_like(path, said) for path, said in trace.items())

    def told_like(self, path: str, said: str) -> str:
        """What the tree says of a path of a trace, no more than was asked where this was `said`.

        Of FOUND a tree alone tells nothing: which files are chosen is not known here.
        """
        if path == FOUND:
            return ""
        if SPLIT in path:
            return self._seen_like(path, said)
        if said == THERE:
            return there_told(self.tree, path)
        if said.startswith(NAMES):
            return names_told(self.tree, path)
        return kind_told(self.tree, path) if said == FOLDER else told(self.tree, path)

    def _seen_like(self, path: str, said: str) -> str:
        at = path, said.startswith(SEEN)
        if at not in self._seen:
            folder, root, rules = path.split(SPLIT)
            try:
                context = self._context(root, rules)
                inside = folder[len(root) + 1 :] if root else folder
                told_now = context.seen_in(inside) if at[1] else context.names_in(inside)
            except (DefinitionError, InputError):  # It is left to whoever reads the context for an answer.
                told_now = ""
            self._seen[at] = "" if told_now == UNREAD else told_now
        return self._seen[at]

    def _context(self, root: str, rules: str) -> ContextTree:
        if (root, rules) not in self._contexts:
            self._contexts[root, rules] = ContextTree(Traced(self.tree), root, self.rules(rules))
        return self._contexts[root, rules]

    def rules(self, path: str) -> IgnoreRules:
        """The rules of an ignore file. Raises InputError, DefinitionError."""
        if path not in self._rules:
            self._rules[path] = IgnoreRules.parse(self.tree.read(path, MAX_BYTES), path)
        return self._rules[path]
