"""What was kept of a family: read back where it holds for the files on disk, kept anew for the next command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

from planner.cli.asides import say_notes
from planner.cli.family import (
    ENVIRONMENT,
    definition_in,
    graph_files,
    keys_in,
    read_ahead_of,
    say_door,
    variables_asked,
    workspace_of,
)
from planner.digest.hashing import Hasher
from planner.digest.key import Facts, Keys, Known, keys_of
from planner.digest.manifest import Manifests
from planner.digest.retold import Retold
from planner.digest.trace import FOLDER, FOUND, SEEN, SPLIT, Trace, place_of
from planner.errors import DefinitionError, InputError, PlannerError
from planner.local import facts_cache
from planner.local.facts_cache import Remembered
from planner.local.git_tree import WorkTree, worktree
from planner.local.revision import RevisionTree
from planner.model.frozen import dataclass, replace
from planner.model.image import ImageName
from planner.ports import Tree
from planner.sources.loaded import LoadedFamily


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Facts whose definition is on disk as it was then; `holds` tells whether the files of a trace are so too."""

    facts: Facts
    holds: Callable[[Trace], bool]


def standing(options: argparse.Namespace, tree: WorkTree) -> Standing | None:
    """The facts that were kept last, where the family is still defined as it was then."""
    remembered = recall(options, tree)
    if remembered is None or tree.clean is None or remembered.facts.definition is None:
        return None
    agrees, held = Agreement(tree, tree.clean), Holding(tree.clean)
    is_same = remembered.content == tree.clean.content

    def holds(trace: Trace) -> bool:
        return agrees(trace) and (is_same or held(trace))

    if not holds(remembered.facts.definition):
        return None
    say_notes(remembered.facts.loaded.family.notes)
    return Standing(facts=remembered.facts, holds=holds)


def keys_kept(options: argparse.Namespace) -> Keys:
    """The keys of the family as it is on disk, thought of anew only where an edit can reach; those of HEAD are kept.

    What Dockerfiles evaluate to may be missing: enough for a plan, not for a build.
    """
    tree = worktree(workspace_of(options))
    stood = standing(options, tree)
    if stood is not None:
        facts = stood.facts
        return keys_of(facts.loaded, tree, Known(facts=facts, agrees=stood.holds), facts.definition)
    keys = keys_in(options, tree)
    if tree.clean is not None and not options.via_buildx:
        then = _facts_at(tree, tree.clean, keys)
        if then is not None:
            keep(options, tree, then, tree.clean)
    return keys


def _facts_at(tree: WorkTree, head: RevisionTree, now: Keys) -> Facts | None:
    """The facts of HEAD, where it defines the family as the worktree does: whoever works has files beside it."""
    if tree.is_at(head):
        return now.facts
    alike = Agreement(tree, head)
    if tree.look is None or now.facts.definition is None or not alike(now.facts.definition):
        return None
    known = Known(facts=now.facts, agrees=alike)
    try:
        return keys_of(now.made_by.loaded, head, known, now.facts.definition).facts
    except PlannerError:  # Of what HEAD lacks nobody asked.
        return None


class Agreement:
    """Whether a worktree and a revision say the same of the paths of traces."""

    def __init__(self, now: WorkTree, old: RevisionTree) -> None:
        self.now = now
        self.old = old
        self._says_now = Retold(now)
        self._said_then = Retold(old)
        self._touched = now.touched_since(old)

    def __call__(self, trace: Trace) -> bool:
        """Only paths are looked at of which git says that they may differ."""
        if FOUND in trace:
            from planner.local import found_by_name  # few families are discovered

            if not found_by_name.is_alike(self.now, self.old):
                return False
        return all(path == FOUND or self._is_alike(path, said) for path, said in trace.items())

    def _is_alike(self, path: str, said: str) -> bool:
        place = place_of(path)
        if self._touched is not None and place and place.partition("/")[0] not in self._touched:
            return True
        if self.now.agrees_with(self.old, place, whole=said != FOLDER):
            return True
        if SPLIT in path and said.startswith(SEEN):
            return self._sees_alike(path, place)
        return self._looks_alike(path, said)

    def _sees_alike(self, path: str, folder: str) -> bool:
        """Whether all that differs in a folder of a context is left out of it; no file is looked at.

        What else differs is told by whoever reads the context, which takes no longer than it would here.
        """
        differs = self.now.differs_from(self.old, folder)
        _, root, rules = path.split(SPLIT)
        start = len(root) + 1 if root else 0
        try:
            closes = self._said_then.rules(rules).closes
        except (DefinitionError, InputError):
            return False
        return differs is not None and all(closes(one[start:]) for one in differs)

    def _looks_alike(self, path: str, said: str) -> bool:
        """Whether both say the same of a path, by the bytes on disk: git cannot tell of a file that its checkout

        converts. A file that cannot be read is left to whoever reads it for an answer, and can say so.
        """
        try:
            return self._says_now.told_like(path, said) == self._said_then.told_like(path, said)
        except InputError:
            return False


class Holding:
    """Whether a revision says the same of every path of a trace."""

    def __init__(self, old: RevisionTree) -> None:
        self.old = old
        self._said_then = Retold(old)

    def __call__(self, trace: Trace) -> bool:
        """See above."""
        if FOUND not in trace:
            return self._said_then.agrees(trace)
        from planner.local import found_by_name
        from planner.local.listing import paths
        from planner.sources.discovery.files import is_skipped

        rest = {path: said for path, said in trace.items() if path != FOUND}
        return self._said_then.agrees(rest) and found_by_name.told(paths(self.old, is_skipped)) == trace[FOUND]


def narrowed(loaded: LoadedFamily, tree: Tree, names: Iterable[ImageName]) -> Manifests:
    """These images and all that they read, read to their steps; nothing is read of any other image."""
    if not loaded.alone:  # It was kept: how its Dockerfiles evaluate was not.
        wanted = loaded.graph.ancestors(names)
        images = tuple(image for image in loaded.family.images if image.name in wanted)
        from planner.sources.load import load  # a plan that has all it needs reads no Dockerfile

        family = replace(loaded.family, images=images)
        read_ahead_of(family, tree)
        loaded = load(family, tree)
    return Manifests(loaded=loaded, tree=tree, hasher=Hasher(loaded.family.algorithm))


def with_steps(keys: Keys, names: Iterable[ImageName]) -> Keys:
    """The same keys, with all that it takes to build these images: what was kept of a family is enough for a plan.

    Their Dockerfiles are read from the tree that the keys are of, which refuses a file that changed meanwhile.
    """
    loaded = keys.made_by.loaded
    if loaded.alone:
        return keys
    read = narrowed(loaded, keys.made_by.tree, names).loaded
    deep = replace(loaded, dockerfiles=read.dockerfiles, evaluations=read.evaluations, alone=read.alone)
    return replace(keys, made_by=replace(keys.made_by, loaded=deep))


def recall(options: argparse.Namespace, tree: WorkTree) -> Remembered | None:
    """The facts that were kept last with the same variables, None where there are none."""
    if tree.look is None or tree.clean is None or options.via_buildx:
        return None
    found = facts_cache.recall(tree.look.cache, _question(options, tree))
    if found is None or not found.is_read_alike(ENVIRONMENT):
        return None
    say_door(options, tree, definition_in(options, tree))
    return found


def keep(options: argparse.Namespace, tree: WorkTree, facts: Facts, old: RevisionTree) -> None:
    """Keep the facts of a revision for the next command; never what buildx read, which leaves no trace of all of it."""
    if tree.look is None or facts.definition is None or options.via_buildx:
        return
    environment = tuple(facts_cache.values(sorted(ENVIRONMENT.asked), ENVIRONMENT))
    remembered = Remembered(facts=facts, content=old.content, environment=environment)
    facts_cache.keep(tree.look.cache, _question(options, tree), remembered)


def _question(options: argparse.Namespace, tree: WorkTree) -> list[str]:
    words = variables_asked(options)
    if options.env_file:
        from planner.cli.door_options import env_files  # few have such files, and every plan would load it

        # A revision that lacks such a file is read with what the disk has, which no trace of the revision tells.
        words += [tree.disk.told(file) for file in env_files(options) if not file.startswith(("/", ".."))]
    return facts_cache.question(workspace_of(options), graph_files(options)[0], words, named=options.file_named)
