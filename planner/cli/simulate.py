"""`planner simulate`: what changes of this family, or of a synthetic one, cost under several ways to build it."""

from __future__ import annotations

import argparse

from planner.ci.jobs import Rebuild, rebuild_of
from planner.ci.packing import Costs
from planner.ci.simulation import Price, Setting, random_changes, simulate, synthetic
from planner.ci.simulation_text import simulation_json, simulation_svg, simulation_text
from planner.cli import arguments as shared
from planner.cli.family import asked, folder_of, load_family
from planner.cli.output import write
from planner.cli.plan import state_of
from planner.cli.replay import refuse_unread, walk_over
from planner.errors import UsageError
from planner.local.git_tree import worktree
from planner.local.history import History
from planner.local.records import open_records
from planner.model.image import ImageName
from planner.plan.durations import durations
from planner.plan.rebuild import Action, Plan, PlannedImage
from planner.plan.replay import Replay

EXAMPLE = "planner simulate --slots 4 16 --replay v1.0..main"
MOST_IMAGES = 100_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("--slots", type=_count, nargs="+", default=[4], metavar="N", help="runners at once [4]")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--replay", metavar="A..B", help="the commits of a range [changes by chance]")
    choice.add_argument("--images", type=_count, metavar="N", help="a synthetic family of so many images [this one]")
    parser.add_argument("--changes", type=_count, default=20, metavar="N", help="changes by chance [20]")
    parser.add_argument("--seed", type=_count, default=1, metavar="N", help="which chance [1]")
    parser.add_argument("--start", type=_amount, default=Costs().start, metavar="SECONDS", help="a runner's start [40]")
    parser.add_argument("--pull", type=_amount, default=60.0, metavar="MB/S", help="how fast parents come [60]")
    parser.add_argument("--push-rate", type=_amount, default=30.0, metavar="MB/S", help="how fast results go [30]")
    parser.add_argument("--price", type=_amount, default=Price().minute, help="of a runner's minute [0.008]")
    shared.output(parser)
    shared.state(parser)
    shared.formats(parser, "text", "json", "svg")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_IMAGES:
        raise argparse.ArgumentTypeError(f"is a number from 1 to {MOST_IMAGES:,}")
    return int(text)


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1e6:
        raise argparse.ArgumentTypeError("is a number above 0, at most 1,000,000")
    return value


def run(options: argparse.Namespace) -> int:
    """Simulate and tell."""
    way = "--replay" if options.replay else "changes by chance"
    shared.refuse_foreign(options, arguments, way, dict.fromkeys(("changes", "seed"), "changes by chance"))
    family = synthetic(options.images, options.seed) if options.images else _here(options)
    changes = _replayed(options, family) if options.replay else random_changes(family, options.changes, options.seed)
    if not changes:
        raise UsageError("nothing rebuilds, so there is nothing to simulate")
    costs = Costs(start=options.start, pull=options.pull * 1e6, push=options.push_rate * 1e6)
    price = Price(minute=options.price)
    found = [simulate(family, changes, Setting(slots=slots, costs=costs, price=price)) for slots in options.slots]
    writers = {"text": simulation_text, "json": simulation_json, "svg": simulation_svg}
    write(writers[options.format](found), options.output)
    return 0


def _here(options: argparse.Namespace) -> Rebuild:
    """The family of the graph file, as if all of it rebuilt, with the durations of the records."""
    loaded = load_family(options, worktree(folder_of(options)), told=True)
    graph = loaded.graph
    images = tuple(
        PlannedImage(name=name, action=Action.BUILD, key="", reasons=(), parents=node.parents, level=node.level)
        for name, node in graph.nodes.items()
    )
    recorded = open_records(state_of(options).root).seconds()
    known = durations(graph, graph.order, recorded)
    return rebuild_of(Plan(against="", images=images, total=len(images)), graph, loaded.family, known)


def _replayed(options: argparse.Namespace, family: Rebuild) -> list[frozenset[ImageName]]:
    """What each commit of the range rebuilt, of the images that there are now and with the edges of now."""
    history = History(folder_of(options))
    commits = history.commits(options.replay, first_parent=False)
    given = asked(options)
    replay = Replay(walk_over(options, given, history, commits, fixed=False), history.tree, ())
    there = frozenset(family.order)
    found = [one.names & there for one in replay.over(commits, history.commit)]
    refuse_unread(options, given, history, commits)
    history.objects.close()
    return [names for names in found if names]
