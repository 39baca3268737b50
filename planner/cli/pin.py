"""`planner pin`: sets every digest that pins an image of the graph, anywhere in the repository, to the current one."""

from __future__ import annotations

import argparse
import fnmatch
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli.asides import warn
from planner.cli.family import folder_of, keys_now
from planner.cli.plan import state_of
from planner.cli.saying import say
from planner.digest.key import Keys
from planner.errors import Mistake, PlannerError
from planner.explain.text import printable
from planner.local.records import open_records
from planner.local.text_files import rewrite, tracked_text
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.model.names import Index, Reference
from planner.plan.affected import Role, affected
from planner.plan.pins import Pin, pins_in, rewritten, stale
from planner.ports import Records
from planner.sources.origins import published_by

EXAMPLE = "planner pin --check"
STALE = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="exit with 3 when a pin is stale; write nothing")
    choice.add_argument("--write", action="store_true", help="edit the files [only show what would be edited]")
    parser.add_argument("globs", nargs="*", metavar="GLOB", help="only these files that git tracks [all of them]")
    parser.add_argument("--offline", action="store_true", help="believe the records, and ask no registry")
    shared.policy(parser)
    shared.state(parser)
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Show, check or write the pins."""
    keys = keys_now(options)
    folder = folder_of(options)
    mistakes: list[Mistake] = []
    index = published_by(keys.made_by.loaded.family, mistakes)
    texts = _texts(folder, options.globs)
    graph = keys.made_by.loaded.graph
    found = (pin for path, data in texts.items() for pin in pins_in(data, path, index))
    # An image whose own Dockerfile names its repository starts from an older release of itself: not ours to move.
    pins = [pin for pin in found if graph.nodes[pin.image].image.dockerfile != pin.file]
    current = _current(options, keys, pins, index)
    loops = frozenset(_loops(keys, stale(pins, current)))
    old = [pin for pin in stale(pins, current) if pin not in loops]
    for pin in loops:
        warn(
            f"{pin.file}:{pin.line} pins {pin.image}, which is built from that very file: each edit would rebuild it "
            "and make the pin stale again, so it is left alone; keep the file out of the context, or drop the pin"
        )
    if options.write:
        for path in dict.fromkeys(pin.file for pin in old):
            here = [pin for pin in old if pin.file == path]
            rewrite(folder, path, texts[path], rewritten(texts[path], here, current))
    verb = "edited" if options.write else "stale"
    answer = _json(pins, old, loops, current) if options.format == "json" else _text(pins, old, current, keys, verb)
    return say(answer, status=STALE if options.check and old else 0)


def _texts(folder: Path, globs: Sequence[str]) -> dict[str, bytes]:
    """The texts that git tracks and globs choose, all without any. Raises PlannerError for one that chooses none."""
    found: dict[str, bytes] = {}
    left = set(globs)
    for path, data in tracked_text(folder):
        matching = {glob for glob in globs if fnmatch.fnmatchcase(path, glob)}
        left -= matching
        if matching or not globs:
            found[path] = data
    if left:
        raise PlannerError(f"{', '.join(sorted(left))}: no text that git tracks here matches\n  see git ls-files")
    return found


def _current(options: argparse.Namespace, keys: Keys, pins: Sequence[Pin], index: Index) -> dict[ImageName, str]:
    """The published digest of each pinned image in its current state. Raises PlannerError for one without any."""
    records = open_records(state_of(options).root)
    published = _nowhere if options.offline or not pins else _named_by_key(options, keys)
    found: dict[ImageName, str] = {}
    unpublished: list[str] = []
    for name in dict.fromkeys(pin.image for pin in pins):
        digest = _recorded(keys, name, records, index) or _digest(published(name))
        if digest:
            found[name] = digest
        else:
            where = next(f"{pin.file}:{pin.line}" for pin in pins if pin.image == name)
            unpublished.append(f"  {name} is pinned ({printable(where)}) and not published as {keys.keys[name]}")
    if unpublished:
        told = "\n".join(unpublished)
        raise PlannerError(
            f"these images are not published in their current state\n{told}\n  planner build --push first"
        )
    return found


def _named_by_key(options: argparse.Namespace, keys: Keys) -> Callable[[ImageName], Stored | None]:
    from planner.cli.published import named_by_key

    return named_by_key(options, keys, state_of(options))


def _nowhere(_: ImageName) -> Stored | None:
    return None


def _digest(image: Stored | None) -> str:
    return image.digest if image is not None else ""


def _recorded(keys: Keys, name: ImageName, records: Records, index: Index) -> str:
    """The digest that was pushed to a repository of the image's own, "" for none: elsewhere a pin does not find it."""
    platforms = keys.made_by.loaded.graph.nodes[name].image.platforms
    for record in records.find(name, platforms, keys.keys[name]):
        if record.stored.store is Store.REGISTRY and _is_own(record.stored.repository, name, index):
            return record.stored.digest
    return ""


def _is_own(repository: str, name: ImageName, index: Index) -> bool:
    try:
        own = index.get(Reference.parse(repository).repository, ())
    except ValueError:
        return False
    return any(owner == name for _, owner in own)


def _text(pins: Sequence[Pin], old: Sequence[Pin], current: Mapping[ImageName, str], keys: Keys, verb: str) -> str:
    graph = keys.made_by.loaded.graph
    lines: list[str] = []
    for name in dict.fromkeys(pin.image for pin in old):
        readers = ", ".join(graph.children.get(name, ())) or "nobody"
        lines.append(f"{name}  {current[name]}  (read by {readers})")
        lines += [f"  {printable(pin.file)}:{pin.line}  {pin.digest}" for pin in old if pin.image == name]
    if lines:
        lines.append("")
    files = len({pin.file for pin in old})
    return "\n".join([*lines, f"{len(old)} of {len(pins)} pins {verb}, in {files} file{'' if files == 1 else 's'}"])


def _loops(keys: Keys, pins: Sequence[Pin]) -> Iterator[Pin]:
    """The pins that no rewrite can make true, since the image that they name reads the file that they stand in."""
    graph = keys.made_by.loaded.graph
    for file in dict.fromkeys(pin.file for pin in pins):
        reached = affected(keys.made_by, [file], direct=True)
        readers = [one.name for one in reached if any(touch.role is Role.FILES for touch in one.touches)]
        moved = graph.descendants(readers)
        yield from (pin for pin in pins if pin.file == file and pin.image in moved)


def _json(pins: Sequence[Pin], old: Sequence[Pin], loops: Collection[Pin], current: Mapping[ImageName, str]) -> str:
    stale_ones = set(old)
    document = {
        "version": 1,
        "pins": [
            {
                "file": pin.file,
                "line": pin.line,
                "reference": pin.reference,
                "image": pin.image,
                "digest": pin.digest,
                "current": current[pin.image],
                "stale": pin in stale_ones,
                "loop": pin in loops,
            }
            for pin in pins
        ],
    }
    return json.dumps(document, indent=2)
