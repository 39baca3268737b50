"""`planner lock`: writes down the digest of every image that the graph does not build, and renews it on purpose."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from planner.cli.family import folder_of, load_family
from planner.cli.saying import say
from planner.errors import PlannerError, RegistryError, StateError, one_of
from planner.local.git_tree import worktree
from planner.model.graph import ExternalImage, ImageGraph
from planner.model.lock import Lock, LockedImage
from planner.model.names import Reference
from planner.sources import lock_file

EXAMPLE = "planner lock --upgrade '*/ubuntu:*'"
MOVED = 3
AT_ONCE = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--upgrade",
        nargs="?",
        const="*",
        metavar="GLOB",
        help="ask again for what is locked already [only for what is not]",
    )
    choice.add_argument("--check", action="store_true", help="exit with 3 when something moved; write nothing")
    choice.add_argument("--why", metavar="REF", help="which images read a reference, and where")


def run(options: argparse.Namespace) -> int:
    """Write, check or explain the lock."""
    folder = folder_of(options)
    tree = worktree(folder)
    old = lock_file.read_in(tree)
    graph = load_family(options, tree, told=True).graph
    wanted = _wanted(graph)
    if options.why:
        return say(_why(options.why, graph, wanted))
    again = "*" if options.check else options.upgrade
    asked = [name for name in wanted if _is_asked(name, wanted[name], old, again)]
    answers = _resolve(asked, wanted)
    new = Lock(images={name: answers.get(name) or old.images[name] for name in sorted(wanted)})
    lines = list(_changes(old, new))
    if options.check:
        return say("\n".join([*lines, f"{len(lines)} of {len(wanted)} moved"]), status=MOVED if lines else 0)
    if new != old:
        _write(folder / lock_file.NAME, lock_file.write(new))
    return say("\n".join([*lines, f"{len(wanted)} locked, {len(lines)} changed"]))


def _wanted(graph: ImageGraph) -> dict[str, frozenset[str]]:
    """Every reference that the graph does not build, with the platforms that it is read for."""
    found: dict[str, set[str]] = {}
    for node in graph.nodes.values():
        for reference in node.externals:
            found.setdefault(reference, set()).update(node.image.platforms)
    return {name: frozenset(platforms) for name, platforms in sorted(found.items())}


def _is_asked(name: str, platforms: frozenset[str], old: Lock, again: str | None) -> bool:
    locked = old.images.get(name)
    if locked is None or not platforms <= locked.platforms.keys():
        return True
    return again is not None and fnmatch.fnmatchcase(name, again)


def _resolve(names: list[str], wanted: Mapping[str, frozenset[str]]) -> dict[str, LockedImage]:
    """Ask the registries, several at once. Raises PlannerError with everything that could not be told."""
    if not names:
        return {}
    from planner.registry.client import HttpRegistry
    from planner.registry.inspect import inspect

    registry = HttpRegistry()
    found: dict[str, LockedImage] = {}
    refused: list[str] = []

    def ask(name: str) -> LockedImage | RegistryError:
        try:
            return inspect(registry, Reference.parse(name), wanted[name])
        except RegistryError as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool, _progress(len(names)) as tell:
        for name, answer in zip(names, pool.map(ask, names), strict=True):
            tell()
            if isinstance(answer, RegistryError):
                refused.append(f"  {name}: {answer}")
            else:
                found[name] = answer
    if refused:
        told = "\n".join(refused)
        raise PlannerError(f"these could not be looked up, so nothing was written\n{told}")
    return found


class _progress:
    """Counts on a terminal how many of `total` are done."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def __enter__(self) -> Callable[[], None]:
        return self._tell

    def _tell(self) -> None:
        self.done += 1
        if sys.stderr.isatty():
            print(f"\rasking registries: {self.done} of {self.total}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _changes(old: Lock, new: Lock) -> Iterable[str]:
    for name in sorted(old.images.keys() | new.images.keys()):
        before, after = old.images.get(name), new.images.get(name)
        if before == after:
            continue
        if before is None and after is not None:
            yield f"+ {name}  {after.digest}"
        elif before is not None and after is None:
            yield f"- {name}  {before.digest}"
        elif before is not None and after is not None:
            yield f"~ {name}  {before.digest} → {after.digest}"


def _why(name: str, graph: ImageGraph, wanted: Mapping[str, frozenset[str]]) -> str:
    try:
        reference = str(Reference.parse(name))
    except ValueError as error:
        raise PlannerError(str(error)) from error
    if reference not in wanted:
        hint = one_of(reference, list(wanted)) or f"there are {', '.join(wanted)}"
        raise PlannerError(f"no image reads {reference}\n  {hint}")
    lines = [reference]
    for image in graph.order:
        for use in graph.nodes[image].uses:
            if use.origin == ExternalImage(reference=reference):
                lines.append(f"  {image}: {use.role} {use.reference}  ({use.span})")
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    """Exchange the lock in one step."""
    try:
        handle, staging = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(staging).chmod(0o644)
        Path(staging).replace(path)
    except OSError as error:
        raise StateError(f"{path}: cannot be written: {error.strerror}") from error
