"""The commands: each takes parsed options, joins the rooms, prints one answer and gives an exit status."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from pathlib import Path

from planner.ci.matrix import matrix_github, matrix_json
from planner.digest.key import Keys, keys_of
from planner.digest.manifest import Manifest, files_of
from planner.errors import PlannerError, UsageError, one_of
from planner.explain import pictures, text
from planner.local.git_tree import revision_tree, worktree
from planner.model.graph import ImageGraph
from planner.model.image import ImageName
from planner.plan.rebuild import Plan
from planner.plan.rebuild import plan as make_plan
from planner.ports import Tree
from planner.sources import yaml_file
from planner.sources.load import LoadedFamily, load, refuse_unresolved

SOMETHING_REBUILDS = 3
MAX_GRAPH_FILE = 8 << 20


def graph(options: argparse.Namespace) -> int:
    """`planner graph`."""
    loaded = _load(options, worktree(_folder(options)))
    found = loaded.graph
    draw = {"text": pictures.tree, "json": text.graph_json, "dot": pictures.dot, "mermaid": pictures.mermaid}
    print(draw[options.format](found))
    for name in found.order:
        for use in found.nodes[name].unresolved:
            reason = getattr(use.origin, "reason", "")
            _warn(f"{use.span}: {use.role} {use.reference}: {reason}")
    return 0


def plan(options: argparse.Namespace) -> int:
    """`planner plan`."""
    made = _plan(options)
    if options.format == "json":
        print(text.plan_json(made))
    else:
        print(text.plan_text(made, _palette()))
        for warning in made.warnings:
            _warn(warning)
    return SOMETHING_REBUILDS if options.exit_code and made.building else 0


def matrix(options: argparse.Namespace) -> int:
    """`planner matrix`."""
    made = _plan(options)
    print(matrix_github(made) if options.format == "github" else matrix_json(made))
    return 0


def key(options: argparse.Namespace) -> int:
    """`planner key`."""
    found = _keys(options, worktree(_folder(options)))
    wanted = _wanted(options.images, found.made_by.loaded.graph)
    keys = {name: found.keys[name] for name in found.made_by.loaded.graph.order if name in wanted}
    if options.format == "json":
        print(text.keys_json(keys))
    else:
        width = max((len(name) for name in keys), default=0)
        print("\n".join(f"{name:<{width}}  {value}" for name, value in keys.items()))
    return 0


def inputs(options: argparse.Namespace) -> int:
    """`planner inputs`."""
    found = _keys(options, worktree(_folder(options)))
    name = next(iter(_wanted([options.image], found.made_by.loaded.graph)))
    manifest = _manifest(found, name, options.platform)
    image = found.made_by.loaded.graph.nodes[name].image
    files = {
        index: dict(files_of(found.made_by.context(image, item.selection.context), item.selection))
        for index, item in enumerate(manifest.inputs)
        if item.selection is not None
    }
    if options.format == "json":
        print(text.manifest_json(manifest, files, found.keys[name]))
    else:
        print(text.manifest_text(manifest, files, _palette()))
    return 0


def _manifest(found: Keys, name: ImageName, platform: str) -> Manifest:
    manifests = found.manifests[name]
    if not platform:
        return manifests[0]
    known = {manifest.platform: manifest for manifest in manifests}
    if platform not in known:
        raise PlannerError(f"{name} is not built for {platform}: it is for {', '.join(known)}")
    return known[platform]


def _folder(options: argparse.Namespace) -> Path:
    folder = Path(options.folder, options.file).parent
    if not folder.is_dir():
        raise PlannerError(f"{folder}: is no folder")
    return folder


def _variables(options: argparse.Namespace) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in options.var:
        name, equals, value = entry.partition("=")
        if not equals or not name:
            raise UsageError(f'--var takes NAME=VALUE, not "{entry}"')
        found[name] = value
    return found


def _load(options: argparse.Namespace, tree: Tree) -> LoadedFamily:
    name = Path(options.file).name
    if tree.entry(name) is None:
        hint = "start in its folder, or name it with -C DIR or -f FILE"
        raise PlannerError(f"{Path(options.folder, options.file)}: there is no graph file\n  {hint}")
    family = yaml_file.read(tree.read(name, MAX_GRAPH_FILE), name, os.environ, _variables(options))
    return load(family, tree)


def _keys(options: argparse.Namespace, tree: Tree) -> Keys:
    loaded = _load(options, tree)
    refuse_unresolved(loaded.graph)
    return keys_of(loaded, tree)


def _plan(options: argparse.Namespace) -> Plan:
    folder = _folder(options)
    tree = worktree(folder)
    now = _keys(options, tree)
    then, against = None, "nothing"
    if options.since:
        against = options.since
        old = revision_tree(folder, options.since)
        if tree.is_at(old):
            then = now
        elif old.entry(Path(options.file).name) is not None:
            then = _keys(options, old)
    loaded = now.made_by.loaded
    wanted = _wanted(options.images, loaded.graph)
    return make_plan(loaded.graph, now, then, against=against, wanted=wanted, everything=options.all)


def _wanted(patterns: list[str], graph: ImageGraph) -> frozenset[ImageName]:
    if not patterns:
        return frozenset(graph.order)
    found: set[ImageName] = set()
    for pattern in patterns:
        matched = [name for name in graph.order if fnmatch.fnmatchcase(name, pattern)]
        if not matched:
            hint = one_of(pattern, list(graph.order)) or f"there are {', '.join(graph.order)}"
            raise PlannerError(f'no image is named "{pattern}"\n  {hint}')
        found.update(matched)
    return frozenset(found)


def _palette() -> text.Palette:
    return text.Palette(colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))


def _warn(message: str) -> None:
    print(f"planner: warning: {text.printable(message)}", file=sys.stderr)
