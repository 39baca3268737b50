"""Reads the family that a command line names, and the keys of its images, from the folder or from a revision."""

from __future__ import annotations

import argparse
import fnmatch
import os
import posixpath
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from planner.cli.asides import said_so_far, say_aside, say_notes, warn, warning
from planner.digest.key import Keys, Known, keys_of
from planner.digest.trace import Traced
from planner.errors import InputError, PlannerError, UsageError, one_of
from planner.explain import text
from planner.local.environment import Environment
from planner.local.git_tree import WorkTree, worktree
from planner.local.revision import RevisionTree
from planner.model.frozen import replace
from planner.model.graph import ImageGraph
from planner.model.image import Family, ImageName
from planner.ports import Tree
from planner.sources.doors.door import Asked, BakeReader, Definition, Door, is_relative_to_start, named, passed_over
from planner.sources.doors.door import found as found_in
from planner.sources.loaded import LoadedFamily

# What reads a family is loaded where it is read: a plan from kept facts reads none.
if TYPE_CHECKING:
    from pathlib import Path

    from planner.sources.discovery.family import Discovered

ENVIRONMENT = Environment()
"""The variables that graph files are read with."""
TOLD = 3
"""Files that a hint names."""


def workspace_of(options: argparse.Namespace) -> str:
    """The workspace: the folder of the graph file, or where its paths begin.

    Raises PlannerError for no folder, UsageError for a graph file without a name.
    """
    folder: str = options.folder
    if not options.file or "" in options.files:
        raise UsageError("-f: is empty: it names no graph file")
    if not is_relative_to_start(options.file):
        folder = posixpath.dirname(posixpath.join(folder, options.file)) or "."
    if not os.path.isdir(folder):  # noqa: PTH112 -- no Path is made before a plan needs one
        raise PlannerError(f"{folder}: is no folder")
    return folder


def folder_of(options: argparse.Namespace) -> Path:
    """The workspace as a Path. Raises PlannerError for no folder."""
    from pathlib import Path

    return Path(workspace_of(options))


def graph_files(options: argparse.Namespace) -> tuple[str, ...]:
    """The graph files that a command line names, relative to the workspace. Raises UsageError."""
    if is_relative_to_start(options.file):
        found = tuple(posixpath.normpath(file) for file in options.files)
    else:
        folder = posixpath.dirname(options.file)
        found = tuple(posixpath.relpath(file, folder) for file in options.files)
    for file in found:
        if file.startswith(("/", "../")):
            raise UsageError(f"-f {file}: leads out of the workspace\n  start in a folder that holds all graph files")
    return found


def definition_in(options: argparse.Namespace, tree: Tree) -> Definition | None:
    """The files that define the family in a tree; None where none was named and none is there."""
    if not options.file_named:
        return found_in(tree, ENVIRONMENT)
    files = graph_files(options)
    missing = next((file for file in files if tree.entry(file) is None), None)
    return named(files) if missing is None else None


def say_door(options: argparse.Namespace, tree: Tree, definition: Definition | None) -> None:
    """Say once what defines the family, where nobody named it and it is not the usual file alone."""
    if options.file_named or definition is None:
        return
    later = passed_over(tree, ENVIRONMENT, definition.door)
    passed = [file for file in later if file not in definition.files]
    if definition.door is Door.YAML and not passed:
        return
    others = f" (passed over: {', '.join(passed)}; -f names another one)" if passed else ""
    message = f"planner: reading {', '.join(definition.files)}{others}"
    if message not in said_so_far:
        say_aside(message)


def variables(options: argparse.Namespace) -> dict[str, str]:
    """What `--var` sets. Raises UsageError."""
    found: dict[str, str] = {}
    for entry in options.var:
        name, equals, value = entry.partition("=")
        if not equals or not name:
            raise UsageError(f'--var takes NAME=VALUE, not "{entry}"')
        found[name] = value
    return found


def load_family(
    options: argparse.Namespace, tree: Tree, *, told: bool = False, known: Known | None = None
) -> LoadedFamily:
    """The family as a tree has it; with `told`, references that cannot be told are errors."""
    from planner.cli.door_options import refuse_undeclared, refuse_unused, with_env_files
    from planner.sources import lock_file
    from planner.sources.doors.read import read
    from planner.sources.load import load

    traced = Traced(tree)
    definition = definition_in(options, traced)
    is_on_disk = isinstance(_beneath(tree), WorkTree)
    if is_on_disk and not (definition is None and options.file_named):
        refuse_unused(options, definition)
    if is_on_disk:
        _refuse_no_lock(options, tree, lock_file.NAME)
    if definition is None:
        if options.file_named:
            hint = "start in its folder, or name it with -C DIR or -f FILE"
            pairs = zip(options.files, graph_files(options), strict=True)
            missing = next((given for given, file in pairs if tree.entry(file) is None), options.file)
            raise PlannerError(f"{posixpath.join(options.folder, missing)}: there is no graph file\n  {hint}")
        written = traced.taken()
        found = discovered(options, tree if isinstance(tree, Traced) else traced)
        like = known.facts.loaded if known is not None else None
        family = replace(found.family, lock=lock_file.read_in(tree), written=written)
        return load(family, tree, told=told, like=like, parsed=found.dockerfiles)
    say_door(options, tree, definition)
    like = known.facts.loaded if known is not None else None
    if known is not None and _is_written_alike(known, definition):
        read_ahead_of(known.facts.loaded.family, tree)
        return load(known.facts.loaded.family, tree, told=told, like=like)
    given = asked(options)
    family = read(definition, with_env_files(options, folder_of(options), traced), given)
    if is_on_disk and not options.via_buildx:  # A revision may be older than a variable.
        refuse_undeclared(given.variables, definition)
    family = replace(family, lock=lock_file.read_in(traced))
    read_ahead_of(family, tree)
    return load(replace(family, written=traced.taken()), tree, told=told, like=like)


def _refuse_no_lock(options: argparse.Namespace, tree: Tree, name: str) -> None:
    """Raise InputError for something in the lock's place that is no file: it would count as no lock at all.

    A container engine that is told to mount a file which is not there makes an empty folder of its name.
    """
    place = posixpath.join(workspace_of(options), name)
    if os.path.lexists(place) and tree.entry(name) is None:
        raise InputError(f"{place}: is no file, so nothing is locked by it\n  put the file there, or remove it")


def _beneath(tree: Tree) -> Tree:
    return tree.tree if isinstance(tree, Traced) else tree


def read_ahead_of(family: Family, tree: Tree) -> None:
    """Ask git for all Dockerfiles at once: one by one they wait for it thousands of times."""
    beneath = _beneath(tree)
    if isinstance(beneath, WorkTree | RevisionTree):
        beneath.read_ahead([image.dockerfile for image in family.images if not image.inline])


def _is_written_alike(known: Known, definition: Definition) -> bool:
    """Whether a tree that defines its family so says of all that the known one is written in what was said there."""
    written = known.facts.loaded.family.written
    return bool(written) and written.keys() >= set(definition.files) and known.agrees(written)


def variables_asked(options: argparse.Namespace) -> list[str]:
    """Every word of the command line that a definition may depend on, besides its first file."""
    words = [*options.var, *(word for file in options.files[1:] for word in ("-f", file))]
    words += [word for text in options.set for word in ("--set", text)]
    words += ["--via-buildx"] if options.via_buildx else []
    words += [word for name in options.profile for word in ("--profile", name)]
    return words + [word for file in options.env_file for word in ("--env-file", file)]


def asked(options: argparse.Namespace) -> Asked:
    """What the command line adds to the files of a definition. Raises UsageError."""
    from planner.cli.door_options import Given, env_files  # a warm plan asks for nothing
    from planner.local.starlark import Starlark

    return Asked(
        environment=ENVIRONMENT,
        variables=Given(variables(options)),
        sets=tuple(options.set),
        profiles=tuple(options.profile),
        env_files=env_files(options),
        say=lambda line: say_aside(text.printable(line)),
        starlark=Starlark(),
        bake=_buildx(options) if options.via_buildx else None,
    )


def _buildx(options: argparse.Namespace) -> BakeReader:
    """buildx as the reader of Bake files. It may read every variable, so that all of them count as asked for."""
    # Few ask for it, and every plan would pay for loading what finds buildx.
    from planner.build.bake_reading import BuildxReader

    return BuildxReader(folder_of(options).absolute(), dict(ENVIRONMENT))


def defines_family(options: argparse.Namespace, tree: Tree) -> bool:
    """Whether a tree has the graph file or, where none was named, Dockerfiles."""
    if definition_in(options, tree) is not None:
        return True
    if options.file_named:
        return False
    from planner.local.listing import paths
    from planner.sources.discovery.files import dockerfiles, is_skipped

    return bool(dockerfiles(paths(tree, is_skipped)))


def discovered(options: argparse.Namespace, tree: Tree) -> Discovered:
    """The family that the Dockerfiles of a tree make, told of once. Raises PlannerError where there are none."""
    from planner.local import found_by_name
    from planner.local.listing import paths
    from planner.sources.discovery.family import discover
    from planner.sources.discovery.files import is_skipped

    names = tuple(paths(_beneath(tree), is_skipped))
    found = discover(tree, names)
    if isinstance(tree, Traced):
        tree.found(found_by_name.told(names))
    if not found.family.images and not found.unread:
        place = posixpath.join(options.folder, options.file)
        hint = "start in the folder of either with -C DIR, or name a graph file with -f FILE"
        raise PlannerError(f"{place}: there is no graph file, and no Dockerfile below its folder\n  {hint}")
    notes = (
        f"planner: no {posixpath.basename(options.file)}: {_counted(len(found.family.images))} found by name; "
        "planner init writes down what was guessed",
        *_bake_files(names),
        *(warning(f"{path} is left out: {why}") for path, why in found.unread),
    )
    say_notes(notes)
    return replace(found, family=replace(found.family, notes=notes))


def _bake_files(names: Iterable[str]) -> Iterator[str]:
    """Bake files in folders, where Bake itself looks for none: they say what text alone cannot tell."""
    import shlex

    from planner.local.found_by_name import is_bake_file

    found = sorted(filter(is_bake_file, names))
    for name in found[:TOLD]:
        yield f"  {text.printable(name)} may say more: -f {text.printable(shlex.quote(name))}"
    if len(found) > TOLD:
        yield f"  and {len(found) - TOLD} Bake files more"


def _counted(number: int) -> str:
    return "1 Dockerfile" if number == 1 else f"{number} Dockerfiles"


def keys_in(options: argparse.Namespace, tree: Tree, known: Known | None = None, *, past: bool = False) -> Keys:
    """The keys of the family as a tree has it; what is `known` from another tree need not be thought of again.

    There is no trace of what buildx reads. Where images are named, and of a `past` that is compared with, those are
    left out that an open reference reaches; such keys have no trace of their definition either, so nobody keeps them.
    Raises DefinitionError for what is open otherwise.
    """
    if options.via_buildx:
        known = None
    if isinstance(tree, WorkTree) and tree.refused and tree.refused not in said_so_far:
        said_so_far.append(tree.refused)
        warn(f"every file is read, and nothing is known of git: {tree.refused}")
    if known is not None and known.facts.definition is not None and known.agrees(known.facts.definition):
        return keys_of(known.facts.loaded, tree, known, known.facts.definition)
    from planner.sources.told import is_whole  # a plan that has all it needs reads no family

    traced = Traced(tree)
    loaded = load_family(options, traced, known=known)
    if not is_whole(loaded):
        from planner.cli.told import told_part  # most families leave nothing open

        return keys_of(told_part(options, loaded, traced, past=past), tree)
    return keys_of(loaded, tree, known, traced.taken())


def keys_now(options: argparse.Namespace) -> Keys:
    """The keys of the family as it is on disk."""
    return keys_in(options, worktree(folder_of(options)))


def chosen(patterns: list[str], graph: ImageGraph) -> frozenset[ImageName]:
    """The images that names and globs choose, all without any. Raises PlannerError for one that chooses none."""
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
