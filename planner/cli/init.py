"""`planner init`: proposes a graph file for a repository that has Dockerfiles. Never overwrites one."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from planner.cli.asides import warn
from planner.cli.family import definition_in, folder_of
from planner.errors import DefinitionError, PlannerError, UsageError
from planner.explain.text import counted, place
from planner.local.git_tree import worktree
from planner.local.listing import paths
from planner.model.graph import Unresolved
from planner.ports import Tree
from planner.sources import yaml_file
from planner.sources.discovery.family import discover
from planner.sources.discovery.files import is_skipped
from planner.sources.doors.door import Door, door_of
from planner.sources.load import load
from planner.sources.proposal.propose import Proposal, propose
from planner.sources.proposal.write import graph_file

EXAMPLE = "planner init --dry-run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("--dry-run", action="store_true", help="print the file instead of writing it")


def run(options: argparse.Namespace) -> int:
    """Write or print the proposal; what is unsure, and what it amounts to, goes to standard error."""
    folder = folder_of(options)
    target = Path(options.folder, options.file)
    if door_of(options.file) is not Door.YAML:
        raise UsageError(f"-f {options.file}: init writes images.yaml, or a file of another name in its language")
    if not options.dry_run and os.path.lexists(target):
        raise PlannerError(f"{target}: is there already, and is never overwritten\n  see a proposal with --dry-run")
    tree = worktree(folder)
    listed = tuple(paths(tree, is_skipped))
    proposal = propose(discover(tree, listed), listed, tree)
    if not proposal.entries:
        raise PlannerError(f"{folder}: no Dockerfile is below this folder, so there is nothing to propose")
    text = graph_file(proposal)
    now = definition_in(options, tree)
    if now is not None and now.door is not Door.YAML:
        files = ", ".join(now.files)
        warn(f"{files} defines this family, and is passed over once {target.name} is there: planner graph shows it")
    if options.dry_run:
        print(text, end="")
    else:
        write_new(target, text)
    _tell(proposal, text, target.name, tree, done="is not written (--dry-run)" if options.dry_run else "is written")
    return 0


def _tell(proposal: Proposal, text: str, name: str, tree: Tree, *, done: str) -> None:
    for entry in proposal.entries:
        for what in entry.unsure:
            warn(f"{entry.name}: unsure: {what}")
    for what in proposal.unsure:
        warn(f"unsure: {what}")
    try:
        graph = load(yaml_file.read(text.encode(), name, {}, {}), tree).graph
    except DefinitionError as error:
        for mistake in error.mistakes:
            at = f"{mistake.file}:{mistake.line}" if mistake.line else mistake.file
            warn(f"the proposal needs a hand before it can be read: {at}: {mistake.what}")
        return
    unsure = len(proposal.unsure) + sum(len(entry.unsure) for entry in proposal.entries)
    edges = sum(len(node.parents) for node in graph.nodes.values())
    opened = [use for node in graph.nodes.values() for use in node.unresolved]
    for use in opened:
        reason = use.origin.reason if isinstance(use.origin, Unresolved) else ""
        warn(f"{place(use.span)}: {use.role} {use.reference}: {reason}")
    print(
        f"planner: {counted(len(graph.nodes), 'image')}, {counted(edges, 'edge')}, "
        f"{counted(unsure, 'unsure line')}, {counted(len(opened), 'reference')} that cannot be told; {name} {done}",
        file=sys.stderr,
    )


def write_new(target: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all. Raises PlannerError where it appeared meanwhile."""
    try:
        handle, staging = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            umask = os.umask(0)
            os.umask(umask)
            Path(staging).chmod(0o666 & ~umask)
            os.link(staging, target)
        finally:
            Path(staging).unlink(missing_ok=True)
    except FileExistsError as error:
        raise PlannerError(f"{target}: is there already, and is never overwritten") from error
    except OSError as error:
        raise PlannerError(f"{target}: cannot be written: {error.strerror}") from error
