"""`planner affected`: the images that read these paths, also paths that are gone or not there yet."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli.asides import palette, warn
from planner.cli.family import folder_of, load_family
from planner.cli.plan import SOMETHING_REBUILDS
from planner.cli.recalled import Standing, narrowed, standing
from planner.cli.since import baseline_at
from planner.digest.hashing import Hasher
from planner.digest.key import keys_of
from planner.digest.manifest import Manifests
from planner.digest.trace import covers
from planner.errors import PlannerError, UsageError
from planner.explain.touches import affected_json, affected_text
from planner.local.changed import changed_since
from planner.local.git_tree import WorkTree, worktree
from planner.local.revisions import revision_tree
from planner.model.graph import ImageGraph
from planner.model.image import ImageName
from planner.plan.affected import Affected, affected, defines, is_discovered, normal
from planner.plan.rebuild import plan
from planner.sources.loaded import LoadedFamily

EXAMPLE = "planner affected scripts/install.sh --since origin/main"
MAX_STDIN = 256 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files or folders, relative to the folder of -C")
    parser.add_argument("--since", metavar="REV", help="also what changed since a git revision")
    parser.add_argument("--stdin0", action="store_true", help="also paths from standard input, each ended by NUL")
    parser.add_argument("--direct", action="store_true", help="without the images that only read affected ones")
    parser.add_argument("--exit-code", action="store_true", help="exit with 3 when an image is affected")
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print the affected images."""
    given = [*options.paths, *(_from_stdin() if options.stdin0 else ())]
    if not given and not options.since and not options.stdin0:
        raise UsageError("nothing to look for: give paths, --since REV or --stdin0")
    inside, outside = _in_workspace(options, given)
    tree = worktree(folder_of(options))
    changed: list[str] = []
    if options.since:
        changed = list(changed_since(tree, revision_tree(folder_of(options), options.since, tree)))
    _warn_of_other_roots(options, tree, inside)
    paths = list(dict.fromkeys([*inside, *changed]))
    stood = standing(options, tree)
    if stood is not None and not any(covers(stood.facts.definition or {}, path) for path in paths):
        graph, found = _by_traces(options, tree, stood, paths)
    else:
        graph, found = _by_reading(options, tree, paths, inside, changed)
    if options.format == "json":
        print(affected_json(paths, found, outside))
    else:
        print(affected_text(found, len(graph.order), palette()))
        for path in outside:
            warn(f"{path}: is outside of the workspace, where no image reads")
    return SOMETHING_REBUILDS if options.exit_code and found else 0


def _by_traces(
    options: argparse.Namespace, tree: WorkTree, stood: Standing, paths: list[str]
) -> tuple[ImageGraph, tuple[Affected, ...]]:
    """By reading only the images that ever asked for one of the paths, or of which that is not known."""
    graph, traces = stood.facts.loaded.graph, stood.facts.traces
    asking = [
        name
        for name in graph.order
        if any(covers(traces[name], path) for path in paths) or not stood.holds(traces[name])
    ]
    maker = narrowed(stood.facts.loaded, tree, asking)
    return graph, affected(maker, paths, direct=options.direct, whole=graph)


def _by_reading(
    options: argparse.Namespace, tree: WorkTree, paths: list[str], inside: list[str], changed: list[str]
) -> tuple[ImageGraph, tuple[Affected, ...]]:
    """By reading the whole family."""
    loaded = load_family(options, tree, told=True)
    redefined = None
    told = is_discovered(loaded) or any(defines(loaded, path) for path in changed)
    if changed and told and not any(defines(loaded, path) for path in inside):
        redefined = _redefined(options, tree, loaded)
    maker = Manifests(loaded=loaded, tree=tree, hasher=Hasher(loaded.family.algorithm))
    return loaded.graph, affected(maker, paths, direct=options.direct, redefined=redefined)


def _from_stdin() -> list[str]:
    data = sys.stdin.buffer.read(MAX_STDIN + 1)
    if len(data) > MAX_STDIN:
        raise PlannerError(f"standard input is longer than {MAX_STDIN} bytes\n  give folders instead of their files")
    if b"\n" in data and b"\0" not in data:
        warn("standard input has lines and no NUL, so it is one path: git diff --name-only -z ends each with NUL")
    return [os.fsdecode(path) for path in data.split(b"\0") if path]


def _warn_of_other_roots(options: argparse.Namespace, tree: WorkTree, paths: list[str]) -> None:
    """Tell of paths that the workspace never had and its repository has: those that git prints are from its top."""
    if tree.clean is None or not (prefix := tree.clean.prefix):
        return
    top = folder_of(options).absolute().joinpath(*[".."] * prefix.count("/"))
    strange = [path for path in paths if path and tree.entry(path.rstrip("/")) is None]
    strange = [path for path in strange if tree.clean.entry(path.rstrip("/")) is None]
    found = [path for path in strange if path.startswith(prefix) or os.path.lexists(top / path)]
    if found:
        more = f" and {len(found) - 1} path{'' if len(found) == 2 else 's'} more" if len(found) > 1 else ""
        warn(f"{found[0]}{more}: not here, but at the repository's top: give git diff --relative")


def _in_workspace(options: argparse.Namespace, given: list[str]) -> tuple[list[str], list[str]]:
    """The paths as the workspace has them, and those that are outside. No link is followed: a path is a name."""
    root = folder_of(options)
    inside: list[str] = []
    outside: list[str] = []
    for path in given:
        place = os.path.relpath(Path(options.folder, path), root)
        found = normal(f"{place}/" if path.endswith("/") else place)
        if found is None:
            outside.append(path)
        else:
            inside.append(found)
    return inside, outside


def _redefined(options: argparse.Namespace, tree: WorkTree, loaded: LoadedFamily) -> frozenset[ImageName]:
    """The images that an edit of the definition or the lock may have changed: whose keys changed by themselves."""
    now = keys_of(loaded, tree)
    then = baseline_at(options, tree, now, options.since)
    made = plan(loaded.graph, now, then, against=options.since, wanted=frozenset(loaded.graph.order))
    follows = {image.name for image in made.building}
    return frozenset(
        image.name
        for image in made.building
        if (name := image.name) not in then
        or (then[name].key != now.keys[name] and (image.own or not follows.intersection(image.parents)))
    )
