"""How a machine with a clone calls the planner: from the top of its clone, wherever this one was called."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from planner.cli.family import folder_of, graph_files
from planner.cli.matrix import command_of
from planner.digest.hashing import Hasher
from planner.digest.manifest import Manifests
from planner.errors import GitError, PlannerError
from planner.local.git_tree import WorkTree
from planner.local.process import ask
from planner.model.finding import Finding, Severity
from planner.plan.affected import affected
from planner.sources.loaded import LoadedFamily

USUAL = "images.yaml"
SUBMODULE = b"160000 "
"""How git's index begins the entry of one."""
LARGE = ":(attr:filter=lfs)"
POINTER = b"version https://git-lfs.github.com/spec/"
"""How git's pointer to a large file begins (git-lfs/docs/spec.md)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clone:
    """The top of the repository here, and the `command` that calls the planner at the top of a clone.

    `place` tells the family from others of the repository: its folder, and its graph file where it is not the usual
    one; "" for the usual file at the top.
    """

    top: Path
    command: tuple[str, ...]
    place: str

    def inside(self, file: str) -> str:
        """A file as it is called at the top; one that is outside stays as it was given."""
        place = Path(file).absolute().parent.resolve() / Path(file).name
        return os.fspath(place.relative_to(self.top)) if place.is_relative_to(self.top) else file


def clone_of(options: argparse.Namespace) -> Clone:
    """The clone of the repository that holds the family; without git its top is where the planner was started.

    Raises PlannerError for a family that is not below it.
    """
    workspace = folder_of(options).resolve()
    try:
        top = Path(os.fsdecode(ask(workspace, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
    except GitError:
        top = Path.cwd()
    if not workspace.is_relative_to(top):
        raise PlannerError(f"{workspace}: is not below {top}, where a pipeline would start\n  start further up")
    folder = os.fspath(workspace.relative_to(top))
    named = options.file_named and graph_files(options) != (USUAL,)
    files = list(graph_files(options)) if named else [USUAL]
    there = {"folder": folder, "file": files[0], "files": files}
    places = [text for text in (*([] if folder == "." else [folder]), *(files if named else [])) if text]
    return Clone(
        top=top, command=tuple(command_of(argparse.Namespace(**{**vars(options), **there}))), place="/".join(places)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """What images read that a plain clone lacks: submodules, and files of git's large file storage (`lfs`).

    Paths are relative to the workspace.
    """

    submodules: tuple[str, ...] = ()
    lfs: tuple[str, ...] = ()


def reads_of(
    options: argparse.Namespace, loaded: LoadedFamily, tree: WorkTree, keeps: Callable[[str], bool] = lambda _: True
) -> Reads:
    """What a machine with a clone has to check out beside it: without, images would be built from less than is here.

    Only of the paths that `keeps` keeps.
    """
    folder = folder_of(options)
    try:
        entries = ask(folder, "ls-files", "--stage", "-z").split(b"\0")
        large = ask(folder, "--no-literal-pathspecs", "ls-files", "-z", "--", LARGE).split(b"\0")
    except GitError:
        return Reads()
    submodules = [entry.partition(b"\t")[2] for entry in entries if entry.startswith(SUBMODULE)]
    maker = Manifests(loaded=loaded, tree=tree, hasher=Hasher(loaded.family.algorithm))

    def read(paths: list[bytes], end: str) -> tuple[str, ...]:
        asked = [path for path in map(os.fsdecode, paths) if path and keeps(path)]
        images = affected(maker, [f"{path}{end}" for path in asked])
        found = {touch.path.removesuffix("/") for image in images for touch in image.touches}
        return tuple(path for path in asked if path in found)

    return Reads(submodules=read(submodules, "/"), lfs=read(large, ""))


def not_checked_out(options: argparse.Namespace, loaded: LoadedFamily, tree: WorkTree) -> Iterator[Finding]:
    """Submodules and large files that images read, and that are not here: images are built without them."""
    root = folder_of(options)

    def is_missing(path: str) -> bool:
        place = root / path
        try:
            if place.is_dir():
                return not any(place.iterdir())
            if not place.is_file():  # Of a pipe the other end might never open.
                return False
            with open(place, "rb") as file:
                return file.read(len(POINTER)) == POINTER
        except OSError:
            return False

    lacking = reads_of(options, loaded, tree, is_missing)
    for path in lacking.submodules:
        what = f"{path}: images read this submodule, and it is not checked out: they are built of an empty folder"
        yield Finding(check="context", severity=Severity.WARNING, what=what, advice="git submodule update --init")
    for path in lacking.lfs:
        what = f"{path}: images read this large file, and git's pointer to it is in its place"
        yield Finding(check="context", severity=Severity.WARNING, what=what, advice="git lfs pull")
