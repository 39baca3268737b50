"""`planner lock`: writes down what all from outside is now (images, frontends, what ADD fetches), and renews it."""

from __future__ import annotations

import argparse
import fnmatch
import functools
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.cli.counting import Counting
from planner.cli.family import folder_of, load_family
from planner.cli.saying import say
from planner.errors import GitError, PlannerError, RegistryError, StateError, one_of
from planner.local.git_tree import worktree
from planner.model.graph import ExternalImage, ImageGraph
from planner.model.lock import Lock, LockedImage
from planner.model.names import Reference
from planner.sources import lock_file
from planner.sources.fetched import is_git
from planner.sources.outside import Outside, outside
from planner.system.threads import Threads

if TYPE_CHECKING:
    from planner.registry.client import HttpRegistry

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
    loaded = load_family(options, tree, told=True)
    wanted = outside(loaded)
    if options.why:
        return say(_why(options.why, loaded.graph, wanted))
    again = "*" if options.check else options.upgrade
    known = [*wanted.images, *wanted.frontends, *wanted.sources]
    if options.upgrade and options.upgrade != "*" and not fnmatch.filter(known, options.upgrade):
        hint = one_of(options.upgrade, known) or f"there are {', '.join(known) or 'none'}"
        raise PlannerError(f"--upgrade {options.upgrade}: no reference of the family matches\n  {hint}")
    asked = Outside(
        images={name: at for name, at in wanted.images.items() if _is_asked(name, at, old, again)},
        frontends={name: by for name, by in wanted.frontends.items() if _is_open(name, old.frontends, again)},
        sources={name: by for name, by in wanted.sources.items() if _is_open(name, old.sources, again)},
    )
    answers = _resolve(asked)
    new = Lock(
        images={name: answers.images.get(name) or old.images[name] for name in wanted.images},
        frontends={name: answers.frontends.get(name) or old.frontends[name] for name in wanted.frontends},
        sources={name: answers.sources.get(name) or old.sources[name] for name in wanted.sources},
    )
    lines = list(_changes(_values(old), _values(new)))
    count = len(_values(new))
    if options.check:
        return say("\n".join([*lines, f"{len(lines)} of {count} moved"]), status=MOVED if lines else 0)
    if new != old:
        _write(folder / lock_file.NAME, lock_file.write(new))
    return say("\n".join([*lines, f"{count} locked, {len(lines)} changed"]))


def _is_asked(name: str, platforms: frozenset[str], old: Lock, again: str | None) -> bool:
    locked = old.images.get(name)
    return locked is None or not platforms <= locked.platforms.keys() or _is_open(name, old.images, again)


def _is_open(name: str, locked: Mapping[str, object], again: str | None) -> bool:
    return name not in locked or (again is not None and fnmatch.fnmatchcase(name, again))


Ask = Callable[[], LockedImage | str]


def _questions(asked: Outside) -> Iterator[tuple[str, str, Ask]]:
    """What to ask: the room of the lock, the name in it, and how."""
    from planner.local.git_remote import commit_of
    from planner.registry.client import HttpRegistry
    from planner.registry.download import checksum
    from planner.registry.inspect import inspect

    registry = HttpRegistry()
    for name, platforms in asked.images.items():
        yield "images", name, functools.partial(inspect, registry, Reference.parse(name), platforms)
    for name in asked.frontends:
        reference = Reference.parse(name)
        yield "frontends", name, functools.partial(_digest, registry, reference)
    for name in asked.sources:
        yield "sources", name, functools.partial(commit_of if is_git(name) else checksum, name)


def _digest(registry: HttpRegistry, reference: Reference) -> str:
    return registry.manifest(reference.repository, reference.tag or "latest")[0]


def _resolve(asked: Outside) -> Lock:
    """Ask for everything, several at once. Raises PlannerError with everything that could not be told."""
    found: dict[str, dict[str, Any]] = {"images": {}, "frontends": {}, "sources": {}}
    if not (asked.images or asked.frontends or asked.sources):
        return Lock()
    questions = list(_questions(asked))
    refused: list[str] = []

    def ask(question: tuple[str, str, Ask]) -> LockedImage | str | PlannerError:
        try:
            return question[2]()
        except (RegistryError, GitError) as error:
            return error

    with Threads(AT_ONCE) as pool, Counting("asking", len(questions)) as counting:
        for (room, name, _), answer in zip(questions, pool.map(ask, questions), strict=True):
            counting.done()
            if isinstance(answer, PlannerError):
                refused.append(f"  {name}: {answer}")
            else:
                found[room][name] = answer
    if refused:
        told = "\n".join(refused)
        raise PlannerError(f"these could not be looked up, so nothing was written\n{told}")
    return Lock(images=found["images"], frontends=found["frontends"], sources=found["sources"])


def _values(lock: Lock) -> dict[str, object]:
    """Everything that is locked, by how it is shown."""
    return {
        **lock.images,
        **{f"syntax {name}": digest for name, digest in lock.frontends.items()},
        **{f"ADD {name}": value for name, value in lock.sources.items()},
    }


def _changes(old: Mapping[str, object], new: Mapping[str, object]) -> Iterable[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if before is None:
            yield f"+ {name}  {_shown(after)}"
        elif after is None:
            yield f"- {name}  {_shown(before)}"
        else:
            yield f"~ {name}  {_shown(before)} → {_shown(after)}"


def _shown(value: object) -> str:
    return value.digest if isinstance(value, LockedImage) else str(value)


def _why(name: str, graph: ImageGraph, wanted: Outside) -> str:
    readers = wanted.sources.get(name, ()) or wanted.frontends.get(_normal(name), ())
    if readers:
        role = "ADD" if name in wanted.sources else "syntax"
        return "\n".join(
            [f"{role} {name}", *(f"  {image}: {graph.nodes[image].image.dockerfile}" for image in readers)]
        )
    reference = _normal(name)
    if reference not in wanted.images:
        known = [*wanted.images, *wanted.frontends, *wanted.sources]
        hint = one_of(reference, known) or f"there are {', '.join(known)}"
        raise PlannerError(f"no image reads {reference}\n  {hint}")
    lines = [reference]
    for image in graph.order:
        for use in graph.nodes[image].uses:
            if use.origin == ExternalImage(reference=reference):
                lines.append(f"  {image}: {use.role} {use.reference}  ({use.span})")
    return "\n".join(lines)


def _normal(name: str) -> str:
    try:
        return str(Reference.parse(name))
    except ValueError:
        return name


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
