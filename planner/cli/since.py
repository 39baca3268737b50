"""Reads a family as it is on disk and as a git revision has it, thinking of nothing that both have alike.

What was found at a revision is kept for the next plan, so that an edit costs what it can reach.
"""

from __future__ import annotations

import argparse

from planner.cli.asides import said_so_far, say_aside, say_notes
from planner.cli.family import defines_family, definition_in, graph_files, keys_in, workspace_of
from planner.cli.recalled import Agreement, Holding, keep, recall
from planner.cli.saying import remember_error
from planner.digest.key import Facts, Keys, Known, keys_found, keys_of
from planner.errors import DefinitionError, PlannerError
from planner.explain.text import printable
from planner.local.facts_cache import Remembered
from planner.local.git_tree import WorkTree, worktree
from planner.local.revision import RevisionTree
from planner.local.revisions import revision_tree
from planner.model.image import DISCOVERED
from planner.plan.baseline import Baseline, of_keys
from planner.ports import Tree

DOTENV = ".env"


def keys_and_revision(options: argparse.Namespace, revision: str) -> tuple[Keys, Baseline]:
    """The keys of the family as it is on disk, and the baseline that a git revision gives."""
    now, then = both(options, revision)
    return now, {} if then is None else of_keys(then)


def both(options: argparse.Namespace, revision: str) -> tuple[Keys, Keys | None]:
    """The keys of the family as it is on disk and as a git revision has it, None where it has no such family."""
    folder = workspace_of(options)
    tree = worktree(folder)
    old = revision_tree(folder, revision, tree)
    remembered = recall(options, tree)
    known = None if remembered is None else _from_facts(remembered, tree, old)
    try:
        now, then = known or _thought(options, tree, old)
    except DefinitionError as error:
        _remember_doubts(options, tree, revision, error)
        raise
    if then is not None and (remembered is None or not _is_same(then.facts, remembered.facts)):
        keep(options, tree, then.facts, old)
    return now, then


def _remember_doubts(options: argparse.Namespace, tree: WorkTree, revision: str, error: DefinitionError) -> None:
    """A family that nobody wrote down stops often, until somebody does: that is an answer like any other.

    Not where something else than the workspace could stop it first, or where a program of the family's runs.
    """
    if options.file_named or getattr(options, "policy", "") or getattr(options, "trace", False):
        return
    if definition_in(options, tree) is None:
        remember_error(tree, revision, error)


def baseline_at(options: argparse.Namespace, tree: WorkTree, now: Keys, revision: str) -> Baseline:
    """The baseline that a git revision gives for keys that were made of a worktree."""
    then = _earlier(options, tree, now, revision_tree(workspace_of(options), revision, tree))
    return {} if then is None else of_keys(then)


def _is_same(facts: Facts, kept: Facts) -> bool:
    """Whether all facts were taken over as they were kept."""
    return facts.loaded is kept.loaded and all(facts.traces[name] is kept.traces[name] for name in facts.traces)


def _thought(options: argparse.Namespace, tree: WorkTree, old: RevisionTree) -> tuple[Keys, Keys | None]:
    """The keys of both, None for a revision that has no graph file."""
    now = keys_in(options, tree)
    return now, _earlier(options, tree, now, old)


def _earlier(options: argparse.Namespace, tree: WorkTree, now: Keys, old: RevisionTree) -> Keys | None:
    if tree.is_at(old):
        return now
    if not defines_family(options, old) or _buildx_reads_otherwise(options, tree, old):
        return None
    known = Known(facts=now.facts, agrees=Agreement(tree, old))
    if definition_in(options, old) is not None or now.made_by.loaded.family.file == DISCOVERED:
        return _written_then(options, old, known)
    return _found_then(options, old, known)


def _written_then(options: argparse.Namespace, old: RevisionTree, known: Known) -> Keys | None:
    """The keys of a revision, None where what it was written in is wrong: whoever mends that has all images new."""
    try:
        return keys_in(options, old, known, past=True)
    except DefinitionError as error:
        first = printable(str(error).partition("\n")[0])
        _say_once(f"planner: {old.commit[:12]} has mistakes of its own ({first}), so all images are new")
        return None


def _found_then(options: argparse.Namespace, old: RevisionTree, known: Known) -> Keys | None:
    """The keys of a revision from before somebody wrote the family down, None where it cannot be read as found."""
    _say_once(f"planner: {old.commit[:12]} had no graph file: its Dockerfiles are found by name")
    try:
        return keys_in(options, old, known, past=True)
    except PlannerError as error:
        why = str(error).partition("\n")[0].removesuffix(":")
        _say_once(printable(f"  they make no family ({why}), so all images are new"))
        _say_once(f"  only a revision that has {options.file} can be compared with")
        return None


def _say_once(message: str) -> None:
    if message not in said_so_far:
        say_aside(message)


def _buildx_reads_otherwise(options: argparse.Namespace, now: Tree, old: Tree) -> bool:
    """Whether buildx would take variables of a revision from a file that is another one on disk, where it runs."""
    composed = any(file.lower().endswith((".yaml", ".yml")) for file in graph_files(options))
    if not options.via_buildx or not composed or now.entry(DOTENV) == old.entry(DOTENV):
        return False
    say_aside(f"planner: buildx reads {DOTENV} from disk alone, so a revision with another one is not compared with")
    return True


def _from_facts(remembered: Remembered, tree: WorkTree, old: RevisionTree) -> tuple[Keys, Keys] | None:
    """The keys of both from facts, where the family is written as it was then in both."""
    facts = remembered.facts
    if facts.definition is None:
        return None
    same = remembered.content == old.content
    known = Known(facts=facts, agrees=Holding(old))
    alike = Agreement(tree, old)
    if not (same or known.agrees(facts.definition)) or not alike(facts.definition):
        return None
    say_notes(facts.loaded.family.notes)
    then = keys_found(facts, old) if same else keys_of(facts.loaded, old, known, facts.definition)
    now = Known(facts=then.facts, agrees=alike)
    return keys_of(facts.loaded, tree, now, facts.definition), then
