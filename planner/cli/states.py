"""Reads the states that `why` and `diff` compare: a git revision, WORKTREE, INDEX, records, or a saved plan."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli.family import defines_family, definition_in, folder_of, keys_in
from planner.cli.plan import state_of
from planner.cli.since import both
from planner.digest.key import Keys
from planner.errors import DefinitionError, GitError, GitRefuses, PlanFileError, PlannerError, UsageError
from planner.local.git_tree import worktree
from planner.local.index_tree import index_tree
from planner.local.records import NoRecords, open_records
from planner.local.repository import repository
from planner.local.revisions import revision_tree
from planner.model.image import ImageName
from planner.plan import plan_file
from planner.plan.baseline import Baseline, of_keys, of_latest, of_plan, of_records
from planner.ports import Tree
from planner.system import given_files

WORKTREE = "WORKTREE"
INDEX = "INDEX"
RECORDS = "RECORDS"
PUBLISHED = "published"
FORMS = "a git revision, WORKTREE, INDEX, RECORDS, published (the registry), or a file that planner plan --out wrote"
MAX_PLAN = 256 << 20


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A state to compare with. `keys` are None where the files of the state are not at hand."""

    name: str
    keys: Keys | None
    baseline: Baseline


@dataclass(frozen=True, kw_only=True)
class Later:
    """A state that is asked about; its files are always at hand."""

    name: str
    keys: Keys


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--from`, which `plan` calls `--since`, and `--to`."""
    what = f"{FORMS} [RECORDS, else HEAD]"
    parser.add_argument("--from", "--since", dest="from_", metavar="STATE", help=what)
    parser.add_argument("--to", metavar="STATE", default=WORKTREE, help="the later state [WORKTREE]")
    shared.policy(parser)
    shared.state(parser)


def compared(options: argparse.Namespace) -> tuple[Earlier, Later]:
    """The two states of a command line. Raises PlannerError for one that cannot be read, UsageError for no state."""
    from_ = options.from_ or _default(options)
    if options.to == WORKTREE and is_revision(from_):
        return _edited(options, from_)
    later = _later(options, options.to)
    return _earlier(options, from_, later), later


def is_revision(name: str) -> bool:
    """Whether a state can only be a git revision."""
    return name not in (WORKTREE, INDEX, RECORDS, PUBLISHED) and not _is_file(name)


def _edited(options: argparse.Namespace, revision: str) -> tuple[Earlier, Later]:
    """A revision and the worktree, thinking of nothing that both have alike."""
    try:
        now, then = both(options, revision)
    except GitRefuses:
        raise
    except GitError as error:
        raise GitError(f"{error}\n  a state is {FORMS}") from error
    if then is None:
        raise _undefined(options, revision_tree(folder_of(options), revision), revision)
    return Earlier(name=revision, keys=then, baseline=of_keys(then)), Later(name=WORKTREE, keys=now)


def _undefined(options: argparse.Namespace, tree: Tree, name: str) -> PlannerError:
    if definition_in(options, tree) is not None:
        what = f"{name} cannot be read as a family, so there is nothing to compare with"
        return PlannerError(f"{what}\n  name a revision that can")
    return PlannerError(
        f"{name} has no {options.file}, so there is nothing to compare with\n"
        "  name a revision that has it, or commit it first"
    )


def _default(options: argparse.Namespace) -> str:
    if not isinstance(open_records(state_of(options).root), NoRecords):
        return RECORDS
    if repository(folder_of(options)) is None:
        raise PlannerError(
            "nothing was built here yet, and there is no git repository whose HEAD could be compared with\n"
            f"  name a state with --from: {FORMS}"
        )
    # Not one of the things that were said of the family, after which nothing says how it was found.
    print("planner: nothing was built here yet, so HEAD is compared with", file=sys.stderr)
    return "HEAD"


def _later(options: argparse.Namespace, name: str) -> Later:
    """A state whose files are at hand: a revision, the worktree or the index."""
    if name in (RECORDS, PUBLISHED) or _is_file(name):
        raise UsageError(f"--to {name}: its files are not at hand\n  compare to WORKTREE, INDEX or a git revision")
    return Later(name=name, keys=_keys(options, name))


def _earlier(options: argparse.Namespace, name: str, later: Later) -> Earlier:
    """Any state; of a saved plan the records tell what stood behind its keys."""
    graph = later.keys.made_by.loaded.graph
    if name == PUBLISHED:
        return Earlier(name=name, keys=None, baseline=_published(options, later.keys))
    if name == RECORDS:
        return Earlier(name=name, keys=None, baseline=of_latest(graph, open_records(state_of(options).root)))
    if _is_file(name):
        records = open_records(state_of(options).root)
        return Earlier(name=name, keys=None, baseline=of_plan(_saved(name), graph, records))
    keys = later.keys if name == later.name else _keys(options, name, past=True)
    return Earlier(name=name, keys=keys, baseline=of_keys(keys))


def _published(options: argparse.Namespace, keys: Keys) -> Baseline:
    """What the registry of the graph file has, its keys where they are the same, else what was published last."""
    from planner.cli.published import look, open_published

    state = state_of(options)
    published = open_published(options, keys, PUBLISHED, state)
    look(published, keys, state)
    return of_records(keys.made_by.loaded.graph, keys, published, lambda _: True)


def _is_file(name: str) -> bool:
    return name.endswith(".json") and Path(name).is_file()


def _keys(options: argparse.Namespace, name: str, *, past: bool = False) -> Keys:
    folder = folder_of(options)
    if name == WORKTREE:
        return keys_in(options, worktree(folder), past=past)
    if name == INDEX:
        return _keys_in(options, index_tree(folder), name, past=past)
    try:
        tree = revision_tree(folder, name)
    except GitRefuses:
        raise
    except GitError as error:
        raise GitError(f"{error}\n  a state is {FORMS}") from error
    if not defines_family(options, tree):
        raise _undefined(options, tree, name)
    return _keys_in(options, tree, name, past=past)


def _keys_in(options: argparse.Namespace, tree: Tree, name: str, *, past: bool) -> Keys:
    """The keys of what is not on disk. Raises PlannerError that says whose its mistakes are: the disk may have none."""
    try:
        return keys_in(options, tree, past=past)
    except DefinitionError as error:
        raise PlannerError(f"{name} has mistakes:\n{error}") from error


def _saved(name: str) -> dict[ImageName, str]:
    """The keys of a saved plan."""
    try:
        return {image.name: image.key for image in plan_file.read(given_files.read(name, MAX_PLAN), name).images}
    except OSError as error:
        raise PlanFileError(f"{name}: cannot be read: {error.strerror}") from error
