"""Turns discovered Dockerfiles and the builds that other files ask for into entries of a graph file, with notes."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from planner.errors import DefinitionError, InputError
from planner.model.frozen import dataclass, replace
from planner.model.image import Image, Pairs, Span
from planner.model.names import Published, Reference, index_of, owner_of
from planner.ports import MODE_FOLDER, Tree
from planner.sources.discovery.family import PLACEHOLDERS, Discovered
from planner.sources.doubts import CONTEXT
from planner.sources.proposal import command_lines, documents
from planner.sources.proposal.builds import Build, is_open, repository_of
from planner.sources.proposal.documents import Found

MAX_BYTES = 1 << 20
MAX_FILES = 2000
COMPOSE = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")
WORKFLOW = re.compile(r"(.*/)?\.(github|gitea|forgejo)/workflows/[^/]+\.ya?ml")
BAKE_JSON = re.compile(r"([\w.-]*[.-])?docker-bake([.-][\w.-]+)?\.json")
SCRIPT = re.compile(r"(GNU)?[Mm]akefile|.*\.(mk|mak|sh|bash)")
BAKE_HCL = re.compile(r"([\w.-]*[.-])?docker-bake([.-][\w.-]+)?\.hcl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One image of the proposal. `notes` say where things come from, `unsure` what to look at."""

    name: str
    context: str
    dockerfile: str
    target: str = ""
    args: Pairs = ()
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What a graph file could say. `unsure` are things that belong to no entry."""

    entries: tuple[Entry, ...]
    unsure: tuple[str, ...]


def propose(found: Discovered, paths: Sequence[str], tree: Tree) -> Proposal:
    """The entries for every Dockerfile that was found or that some build names."""
    asked = list(_asked(paths, tree))
    unsure = [f"{path} is left out: {why}" for path, why in found.unread]
    by_file: dict[str, list[Build]] = defaultdict(list)
    for one in asked:
        if isinstance(one, tuple):
            unsure.append(f"{one[0]}: {one[1]}")
        elif one.dockerfile and _is_file(tree, one.dockerfile):
            by_file[one.dockerfile].append(one)
        elif one.open:
            unsure.append(f"{one.span}: a build with variables in its paths: {', '.join(one.open)}")
        else:
            unsure.append(f"{one.span}: builds {one.dockerfile or one.context}, where no Dockerfile is")
    images = {image.dockerfile: image for image in found.family.images}
    whole = _whole_repositories(found, by_file, [one for one in asked if not isinstance(one, tuple)])
    entries: list[Entry] = []
    for dockerfile in sorted({*images, *by_file}):
        if not dockerfile.isprintable():
            unsure.append(f"{dockerfile!r} is left out: a graph file cannot hold its name")
            continue
        builds = _distinct(by_file[dockerfile])
        entries.extend(_entries(dockerfile, images.get(dockerfile), builds, found, whole))
    return Proposal(entries=_with_choices(tuple(_told_apart(entries)), found), unsure=tuple(dict.fromkeys(unsure)))


def _whole_repositories(
    found: Discovered, by_file: Mapping[str, Sequence[Build]], asked: Sequence[Build]
) -> dict[str, str]:
    """Repositories that Dockerfiles here read, and whose only build leaves the tag open, with what is built.

    Whatever the tag is when it is built: the repository is written out, and nothing else here makes one of it.
    """
    read = {one for _, text in found.reads if (one := _repository(text))}
    makers: dict[str, set[str]] = defaultdict(set)
    opened: dict[str, str] = {}
    for build in asked:
        alone = len(_distinct(by_file.get(build.dockerfile, ()))) == 1
        for text in (*build.tags, *build.open):
            if repository := _repository(repository_of(text)):
                makers[repository].add(build.dockerfile if alone else str(build.span))
                opened |= {repository: build.dockerfile} if is_open(text) else {}
    for image in found.family.images:
        for tag in image.tags:
            makers[Published.parse(tag).repository].add(image.dockerfile)
    return {one: path for one, path in opened.items() if one in read and makers[one] == {path}}


def _repository(text: str) -> str:
    try:
        return Reference.parse(text).repository
    except ValueError:
        return ""


def _is_file(tree: Tree, path: str) -> bool:
    entry = tree.entry(path)
    return entry is not None and entry.mode != MODE_FOLDER


def _asked(paths: Sequence[str], tree: Tree) -> Iterator[Found]:
    """All builds that files of the workspace ask for."""
    count = 0
    for path in sorted(paths):
        folder, name = posixpath.split(path)
        kinds = (COMPOSE.fullmatch(name), WORKFLOW.fullmatch(path), BAKE_JSON.fullmatch(name), SCRIPT.fullmatch(name))
        if BAKE_HCL.fullmatch(name):
            yield (
                Span(file=path, line=1),
                "is a Bake file in HCL, which the planner reads itself and init does not",
            )
        if not any(kinds):
            continue
        count += 1
        if count > MAX_FILES:
            yield Span(file=path, line=1), f"is left out, and so is every later file: more than {MAX_FILES}"
            return
        try:
            data = tree.read(path, MAX_BYTES)
            if kinds[0]:
                yield from documents.compose_file(data, path)
            elif kinds[1]:
                yield from documents.workflow(data, path)
            elif kinds[2]:
                yield from documents.bake_json(data, path, lambda file: _is_file(tree, file))
            else:
                # A recipe runs in its Makefile's folder; a script is mostly started from the workspace.
                place = "." if name.endswith((".sh", ".bash")) else folder or "."
                yield from command_lines.builds(data.decode("utf-8", "replace"), path, place)
        except InputError as error:
            yield Span(file=path, line=1), str(error)
        except DefinitionError as error:
            yield Span(file=path, line=1), f"cannot be read: {documents.unreadable(error)}"


def _distinct(builds: Sequence[Build]) -> list[Build]:
    """Builds that differ in what they build, each with the tags of all that build the same."""
    kept: dict[tuple[str, str, Pairs, tuple[str, ...]], Build] = {}
    for build in builds:
        key = (build.context, build.target, tuple(sorted(build.args)), build.open if build.args else ())
        first = kept.setdefault(key, build)
        tags = tuple(dict.fromkeys((*first.tags, *build.tags)))
        kept[key] = replace(first, name=first.name or build.name, tags=tags, open=first.open or build.open)
    return list(kept.values())


def _entries(
    dockerfile: str, image: Image | None, builds: Sequence[Build], found: Discovered, whole: Mapping[str, str]
) -> Iterator[Entry]:
    """The entries of one Dockerfile: what is built of it, or what its text suggests where nobody says."""
    if image is not None and not builds:
        yield _guessed(image, found, whole)
        return
    every = tuple(f"{Reference.parse(one).familiar}:*" for one, path in sorted(whole.items()) if path == dockerfile)
    contexts = {build.context for build in builds}
    for build in builds:
        alone = len(builds) == 1
        name = image.name if image is not None and alone else _name(build, dockerfile)
        known = _known(image, found, whole) if image is not None else ()
        unsure = [f"{build.span} leaves open: {', '.join(build.open)}"] if build.open else []
        unsure += [f"{tag} is taken for its own: Dockerfiles here read it, and nothing else makes it" for tag in every]
        unsure += [text for role, text in known if role not in ("context", "FROM") or not build.args]
        guessed = image.tags if image is not None and alone else ()
        args = _args(image, found) if image is not None else {}
        yield Entry(
            name=name,
            context=build.context,
            dockerfile=dockerfile,
            target=build.target,
            args=tuple(sorted({**args, **dict(build.args)}.items())),
            tags=tuple(dict.fromkeys((*(tag for tag in build.tags if _is_name(tag)), *every, *guessed))),
            notes=(f"built at {build.span}", *((f"one of {len(builds)} builds of it",) if not alone else ())),
            unsure=(*unsure, *((f"built from {len(contexts)} contexts",) if len(contexts) > 1 else ())),
        )


def _guessed(image: Image, found: Discovered, whole: Mapping[str, str]) -> Entry:
    return Entry(
        name=image.name,
        context=image.context,
        dockerfile=image.dockerfile,
        args=tuple(sorted(_args(image, found).items())),
        tags=image.tags,
        notes=tuple(f"{guess.what}: {guess.why}" for guess in found.guesses if guess.image == image.name),
        unsure=tuple(text for _, text in _known(image, found, whole)),
    )


def _args(image: Image, found: Discovered) -> dict[str, str]:
    """The arguments of an image by its text; `<default>`, which no plan accepts, where a person must choose."""
    chosen = {name: f"<{default}>" for reader, name, default in found.choices if reader == image.name}
    return {**chosen, **dict(image.args)}


def _known(image: Image, found: Discovered, whole: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What discovery leaves open about an image, and no entry answers, by role."""
    return tuple(
        (doubt.role, f"{doubt.span}: {doubt.role} {doubt.reference}: {doubt.reason}")
        for doubt in found.family.doubts
        if doubt.image == image.name and (doubt.role == CONTEXT or _repository(doubt.reference) not in whole)
    )


def _is_name(tag: str) -> bool:
    try:
        Published.parse(tag)
    except ValueError:
        return False
    return True


def _name(build: Build, dockerfile: str) -> str:
    """A name for one of several builds of a Dockerfile."""
    if build.name:
        return build.name
    if build.tags:
        return build.tags[0].rpartition("/")[2].replace(":", "-").removesuffix("-latest")
    place = posixpath.basename(posixpath.dirname(dockerfile)) or "root"
    return f"{place}-{build.target}" if build.target else place


def _told_apart(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Entries with names of their own, and no published name given twice: the first one keeps it."""
    names: set[str] = set()
    owners: dict[str, str] = {}
    for entry in entries:
        plain = re.sub(r"[^A-Za-z0-9._/-]+", "-", entry.name).strip("._-/") or "image"
        name, number = plain, 1
        while name in names:
            number += 1
            name = f"{plain}-{number}"
        names.add(name)
        kept: list[str] = []
        lost: list[str] = []
        for tag in entry.tags:
            owner = owners.setdefault(str(Published.parse(tag)).removesuffix(":latest"), name)
            (kept if owner == name else lost).append(tag if owner == name else f"{tag} is given to {owner}")
        yield replace(entry, name=name, tags=tuple(kept), unsure=(*entry.unsure, *lost))


def _with_choices(entries: Sequence[Entry], found: Discovered) -> tuple[Entry, ...]:
    """The entries, each with the names that it alone may be meant by, as `<name>`: no plan accepts that."""
    answered = index_of((Published.parse(tag), entry.name) for entry in entries for tag in entry.tags)
    files = {image.name: image.dockerfile for image in found.family.images}
    readers: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, text, reader in found.possible:
        reference = Reference.parse(text)
        if owner_of(answered, reference) is None:
            published = str(Published(repository=reference.repository, tag=reference.tag))
            readers[files[name]][published].append(reader)
    return tuple(
        replace(
            entry,
            tags=(*entry.tags, *(f"<{name}>" for name in readers[entry.dockerfile])),
            unsure=(*entry.unsure, *(_choice(name, those) for name, those in readers[entry.dockerfile].items())),
        )
        for entry in entries
    )


def _choice(name: str, readers: Sequence[str]) -> str:
    others = f" and {len(readers) - 1} more" if len(readers) > 1 else ""
    return f"take < > off {name} if this makes it, or take that line out; read by {readers[0]}{others}"


def has_placeholder(entry: Entry) -> bool:
    """Whether an entry uses a made-up name, which a person should replace."""
    return any(value.startswith(f"{PLACEHOLDERS}/") for _, value in entry.args)
