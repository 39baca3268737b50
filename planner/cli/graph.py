"""`planner graph`: the images and what they read from one another, as text, for programs, or as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli.asides import warn
from planner.cli.family import definition_in, discovered, folder_of, load_family
from planner.cli.output import write
from planner.cli.page_parts import part
from planner.cli.plan import against_records, plan_of, state_of
from planner.cli.since import baseline_at
from planner.digest.key import keys_of
from planner.errors import DefinitionError, PlannerError, StateError, UsageError
from planner.explain import pictures, text
from planner.explain.page.assemble import assemble
from planner.explain.page.document import Shown, page_document
from planner.explain.svg import svg
from planner.local.git_tree import worktree
from planner.local.records import NoRecords, open_records
from planner.model.graph import ImageGraph
from planner.plan.rebuild import plan as make_plan
from planner.sources.told import is_whole, open_images, without_open

EXAMPLE = "planner graph --format html -o graph.html"
MARKED = ("html", "svg")
MARKS = "give --format html or svg, or see planner plan"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.formats(parser, "text", "json", "dot", "mermaid", "html", "svg")
    shared.output(parser)
    parser.add_argument(
        "--since",
        metavar="REV",
        help="html, svg: mark what rebuilds since REV [the local records]",
    )
    parser.add_argument("--guesses", action="store_true", help="without a graph file: say what was guessed, and why")
    shared.state(parser)
    parser.set_defaults(all=False, push=False, images=[], against="", offline=False)


def run(options: argparse.Namespace) -> int:
    """Print the graph; references that cannot be told are warned about."""
    if options.guesses:
        shared.refuse_foreign(options, arguments, "--guesses", dict.fromkeys(("format", "output", "since"), "a graph"))
        return _guesses(options)
    if options.since and options.format not in MARKED:
        raise UsageError(f"--since marks what rebuilds, and --format {options.format} has no marks\n  {MARKS}")
    if options.format in MARKED:
        shown = _shown(options)
        found = shown.graph
        answer = assemble(part, page_document(shown)) if options.format == "html" else svg(found, shown.plan)
        if shown.trouble:
            warn(f"{'not everything' if shown.plan else 'nothing'} is marked as to build or to reuse: {shown.trouble}")
    else:
        found = load_family(options, worktree(folder_of(options))).graph
        draw = {"text": pictures.tree, "json": text.graph_json, "dot": pictures.dot, "mermaid": pictures.mermaid}
        answer = draw[options.format](found)
    write(answer, options.output)
    _warn_of_unresolved(found)
    return 0


def _warn_of_unresolved(graph: ImageGraph) -> None:
    for name in graph.order:
        for use in graph.nodes[name].unresolved:
            warn(f"{use.span}: {use.role} {use.reference}: {getattr(use.origin, 'reason', '')}")


def _shown(options: argparse.Namespace) -> Shown:
    """The graph with its plan; without one where the family or its records do not allow any.

    A still picture is marked only where something was built before or a revision is named: a family of which nothing
    was ever built here has nothing to tell by its marks.
    """
    try:
        plan, keys = plan_of(options)
        records = open_records(state_of(options).root)
    except (DefinitionError, StateError) as error:
        return _partly_shown(options, _in_short(error))
    loaded = keys.made_by.loaded
    is_page = options.format == "html"
    marked = is_page or options.since or not isinstance(records, NoRecords)
    return Shown(
        title=loaded.family.registry,
        graph=loaded.graph,
        plan=plan if marked else None,
        keys=keys,
        built=records.history() if is_page else (),
    )


def _in_short(error: DefinitionError | StateError) -> str:
    """What stands in the way of a plan; of several mistakes the first, since each is told where the graph is."""
    if not isinstance(error, DefinitionError) or len(error.mistakes) < 2:
        return str(error)
    first = str(error).partition("\n")[0]
    return f"{first} (and {len(error.mistakes) - 1} more)"


def _partly_shown(options: argparse.Namespace, trouble: str) -> Shown:
    """The graph with the plan of the images that no open reference reaches, of none where even that fails."""
    tree = worktree(folder_of(options))
    loaded = load_family(options, tree)
    graph = loaded.graph
    open_ = open_images(loaded)
    try:
        if is_whole(loaded) or len(open_) == len(graph.order):
            raise PlannerError(trouble)
        keys = keys_of(without_open(loaded, tree), tree)
        if options.since:
            plan = make_plan(
                keys.made_by.loaded.graph,
                keys,
                baseline_at(options, tree, keys, options.since),
                against=options.since,
                wanted=frozenset(keys.keys),
            )
        else:
            plan = against_records(options, keys)
    except PlannerError:
        return Shown(title=loaded.family.registry, graph=graph, trouble=trouble)
    if not open_:
        return Shown(title=loaded.family.registry, graph=graph, plan=plan, keys=keys, trouble=trouble)
    left = f"{len(open_)} of {len(graph.order)} images are left open: {trouble}"
    return Shown(title=loaded.family.registry, graph=graph, plan=plan, keys=keys, trouble=left)


def _guesses(options: argparse.Namespace) -> int:
    """Print what stands for a graph file where there is none."""
    tree = worktree(folder_of(options))
    if (definition := definition_in(options, tree)) is not None:
        raise PlannerError(f"{Path(options.folder, definition.files[0])}: is the graph file, so nothing is guessed")
    found = discovered(options, tree)
    for guess in found.guesses:
        print(f"{guess.image}: {text.printable(guess.what)}: {text.printable(guess.why)}")
    for doubt in found.family.doubts:
        warn(f"{doubt.span}: {doubt.role} {doubt.reference}: {doubt.reason}")
    return 0
