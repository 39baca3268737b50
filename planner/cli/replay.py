"""`planner replay`: what each commit of a range would rebuild, from git's objects alone."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli.asides import palette
from planner.cli.door_options import refuse_undeclared, refuse_unused, with_env_files
from planner.cli.family import asked, definition_in, discovered, folder_of
from planner.cli.output import write
from planner.errors import PlannerError, one_of
from planner.explain.replay import Report, replay_json, replay_markdown, replay_text
from planner.explain.replay_picture import replay_svg
from planner.local.disk_tree import DiskTree
from planner.local.history import History
from planner.model.image import Family
from planner.plan import labels
from planner.plan.labels import Labelled, agreement
from planner.plan.replay import Commit, Replay, Replayed
from planner.plan.simple_rules import Rule
from planner.plan.tally import tally
from planner.plan.walk import Walk
from planner.ports import Tree
from planner.sources.doors.door import Asked
from planner.sources.doors.read import read
from planner.system import given_files

EXAMPLE = "planner replay v1.0..main --compare directory-hash,path-filter --format svg -o history.svg"
MAX_LABELS = 256 << 20
PATIENCE = 2.0
"""Seconds between two lines of progress."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("range", metavar="A..B", help="the commits to walk, as git rev-list understands them")
    parser.add_argument("--fixed", action="store_true", help="read FILE of -f as it is now, not that of each commit")
    parser.add_argument("--first-parent", action="store_true", help="follow only the first parent of a merge")
    parser.add_argument(
        "--compare", type=_rules, default=(), metavar="RULES", help=f"beside simpler rules: {', '.join(Rule)}"
    )
    parser.add_argument("--labels", metavar="FILE", help="beside recorded rebuilds: JSON, {COMMIT: [IMAGE, …]}")
    shared.output(parser)
    shared.formats(parser, "text", "json", "svg", "markdown")


def _rules(text: str) -> tuple[Rule, ...]:
    known = [rule.value for rule in Rule]
    for name in (names := text.split(",")):
        if name not in known:
            raise argparse.ArgumentTypeError(f'there is no rule "{name}"; {one_of(name, known) or ", ".join(known)}')
    return tuple(dict.fromkeys(Rule(name) for name in names))


def run(options: argparse.Namespace) -> int:
    """Walk the commits and tell what they rebuild."""
    labelled = _labelled(options.labels) if options.labels else None
    history = History(folder_of(options))
    commits = history.commits(options.range, first_parent=options.first_parent)
    given = asked(options)
    replay = Replay(walk_over(options, given, history, commits, fixed=options.fixed), history.tree, options.compare)
    replayed = _walked(replay, commits, history)
    refuse_unread(options, given, history, commits)
    history.objects.close()
    report = Report(
        revisions=options.range,
        graph=Path(options.file).name,
        commits=replayed,
        rules=options.compare,
        tally=tally(replayed, options.compare),
        labelled=labelled,
        agreement=agreement(replayed, labelled) if labelled else (),
    )
    write(_answer(report, options.format), options.output)
    return 0


def _answer(report: Report, form: str) -> str:
    if form == "text":
        return replay_text(report, palette())
    return {"json": replay_json, "svg": replay_svg, "markdown": replay_markdown}[form](report)


def walk_over(
    options: argparse.Namespace, given: Asked, history: History, commits: Sequence[Commit], *, fixed: bool
) -> Walk:
    """A walk over what each commit says, or over what the folder says now.

    Where the last commit has no graph file, and none is named, those without one have the family of their Dockerfiles.
    """
    last = definition_in(options, history.tree(commits[-1])) if commits else None
    by_name = bool(commits) and not options.file_named and last is None
    if last is not None or by_name:
        refuse_unused(options, last)

    def read_in(tree: Tree) -> Family:
        definition = definition_in(options, tree)
        if definition is None and by_name:
            return discovered(options, tree).family
        if definition is None:
            raise PlannerError(f"{Path(options.file).name}: there is no graph file")
        return read(definition, with_env_files(options, folder_of(options), tree), given)

    if not fixed:
        return Walk(read_in)
    now = read_in(DiskTree(folder_of(options)))
    return Walk(lambda tree: now, fixed=True)


def refuse_unread(options: argparse.Namespace, given: Asked, history: History, commits: Sequence[Commit]) -> None:
    """Raise UsageError for variables of `--var` that no definition asked for which was read on the walk."""
    definition = definition_in(options, history.tree(commits[-1])) if commits else None
    if definition is not None:
        refuse_undeclared(given.variables, definition)


def _labelled(path: str) -> Labelled:
    try:
        data = given_files.read(path, MAX_LABELS)
    except OSError as error:
        raise PlannerError(f"{path}: cannot be read: {error.strerror}") from error
    return Labelled(labels.read(data, path))


def _walked(replay: Replay, commits: Sequence[Commit], history: History) -> list[Replayed]:
    """All commits replayed, with news of how far the walk is where it takes long."""
    told = began = time.monotonic()
    replayed: list[Replayed] = []
    for one in replay.over(commits, history.commit):
        replayed.append(one)
        if time.monotonic() - told > PATIENCE:
            told = time.monotonic()
            rate = len(replayed) / (told - began)
            print(f"{len(replayed):,} of {len(commits):,} commits, {rate:,.0f} a second", file=sys.stderr, flush=True)
    return replayed
