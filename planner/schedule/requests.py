"""Turns an image with its manifests into the request for an engine: exactly the files that the key counts, no more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Set

from planner.digest.build_policy import MAX_POLICY
from planner.digest.context_tree import ContextTree
from planner.digest.files import find
from planner.digest.key import Keys
from planner.digest.listing import files_of
from planner.digest.stage_names import named_like_stages
from planner.model.build import BuildRequest, Context, FileEntry, FilesContext, ImageContext, Stored, UrlContext
from planner.model.graph import ExternalImage, LocalFiles, Node, Origin, ParentImage, RemoteFiles
from planner.model.image import EPOCH, YEAR_2000, Image, ImageName, Pairs
from planner.model.lock import Lock
from planner.model.names import LATEST, Published, familiar
from planner.ports import MODE_FOLDER
from planner.schedule.other_names import other_name, renamed
from planner.schedule.untold import untold_bases
from planner.sources.dockerfiles import bytes_again
from planner.sources.frontends import SYNTAX, frontend_of, reference_of
from planner.sources.loaded import LoadedFamily
from planner.sources.outside import remotes

NO_CACHE = ("no-cache", "true")


def request_of(keys: Keys, name: ImageName, parents: Mapping[ImageName, Stored], *, registry: str) -> BuildRequest:
    """Everything an engine needs to build one image now. `registry` is where results are pushed, empty for nowhere.

    Raises InputError when a file is gone, KeyError when a parent is not among `parents`, DefinitionError for an image
    that cannot be given to the build because a stage has its name.
    """
    node = keys.made_by.loaded.graph.nodes[name]
    image, loaded = node.image, keys.made_by.loaded
    files = _selected(keys, image)
    alike = named_like_stages(node, loaded.dockerfiles[image.dockerfile], loaded.family.lock)
    dockerfile = bytes_again(loaded.dockerfiles, keys.made_by.tree, image)
    if alike:
        dockerfile = renamed(dockerfile, loaded.dockerfiles[image.dockerfile], node.uses, alike)
    return BuildRequest(
        image=name,
        platforms=image.platforms,
        key=keys.keys[name],
        dockerfile=dockerfile,
        dockerfile_path=image.dockerfile,
        context=files.get("", FilesContext()),
        policy=_policy(keys, name),
        target=image.target,
        args=_dated(_arguments(loaded, image)),
        contexts=tuple(_contexts(node, parents, files, loaded.family.lock, alike)),
        labels=image.labels,
        secrets=image.secrets,
        ssh=image.ssh,
        network=image.network,
        options=_options(keys, image),
        sources=_sources(loaded, image),
        untold=untold_bases(node, loaded.dockerfiles[image.dockerfile], loaded.family.lock),
        repository=f"{registry}/{name}" if registry else "",
        tags=tags_of(image, keys.keys[name], registry) if registry else (),
    )


def _policy(keys: Keys, name: ImageName) -> bytes | None:
    place = next((one.policy for one in keys.manifests[name]), "")
    return keys.made_by.tree.read(place, MAX_POLICY) if place else None


def _options(keys: Keys, image: Image) -> Pairs:
    """The options of the build; without BuildKit's cache where that would give old files.

    BuildKit v0.32.2 copies a file that a wildcard matches although a pattern of `--exclude` names it, and leaves it out
    of the step's cache key.
    """
    selections = [item.selection for one in keys.manifests[image.name] for item in one.inputs if item.selection]
    forgotten = any(_has_wildcard(one.excludes) and _has_wildcard(one.sources) for one in selections)
    return (NO_CACHE, *image.options) if forgotten and NO_CACHE not in image.options else image.options


def _has_wildcard(patterns: Iterable[str]) -> bool:
    return any(letter in pattern for pattern in patterns for letter in "*?[")


def _dated(args: Pairs) -> Pairs:
    return args if EPOCH in dict(args) else (*args, (EPOCH, YEAR_2000))


def _arguments(loaded: LoadedFamily, image: Image) -> Pairs:
    """The build's arguments; a locked frontend is named with its digest, as the argument that BuildKit takes it by."""
    frontend = frontend_of(image, loaded.dockerfiles[image.dockerfile].directives)
    digest = loaded.family.lock.frontends.get(reference_of(frontend))
    if digest is None:
        return image.args
    others = tuple((name, value) for name, value in image.args if name != SYNTAX)
    words = frontend.split()
    return (*others, (SYNTAX, " ".join([pinned(reference_of(frontend), digest), *words[1:]])))


def _sources(loaded: LoadedFamily, image: Image) -> Pairs:
    locked = loaded.family.lock.sources
    return tuple((source, locked[source]) for source in remotes(loaded, image) if source in locked)


def _selected(keys: Keys, image: Image) -> dict[str, FilesContext]:
    """The files of every context, over all platforms: "" for the build context, else by the folder of a named one."""
    found: dict[str, dict[str, FileEntry]] = {}
    for manifest in keys.manifests[image.name]:
        for item in manifest.inputs:
            if item.selection is None:
                continue
            context = keys.made_by.context(image, item.selection.context)
            entries = found.setdefault(item.selection.context, {})
            for path, value in files_of(context, item.selection):
                entries[path] = _entry(context, path, value)
            for path in find(context, item.selection).folders:
                entries.setdefault(path, _entry(context, path, f"{MODE_FOLDER:o} "))
    return {folder: FilesContext(files=tuple(entries.values())) for folder, entries in found.items()}


def _entry(context: ContextTree, path: str, value: str) -> FileEntry:
    mode, _, oid = value.partition(" ")
    return FileEntry(path=path, source=context.path(path), mode=int(mode, 8), oid=oid)


def _contexts(
    node: Node, parents: Mapping[ImageName, Stored], files: Mapping[str, FilesContext], lock: Lock, alike: Set[str]
) -> Iterable[tuple[str, Context]]:
    """Named contexts: those that the image declares, and one for every reference to a parent or to a locked image.

    `alike` are those of the latter that have the name of a stage: they go by their other name.
    """
    declared = {familiar(name) for name, _ in node.image.contexts}
    found: dict[str, Context] = {}
    for use in node.uses:
        name = familiar(use.reference)
        context = _context(use.origin, parents, files, lock)
        locked = isinstance(use.origin, ExternalImage) and use.origin.reference in lock.images
        if context is not None and (name in declared or locked or isinstance(use.origin, ParentImage)):
            found[other_name(name) if name in alike else name] = context
    return sorted(found.items())


def pinned(reference: str, digest: str) -> str:
    """A reference with the digest that it is locked to."""
    return f"{reference.partition('@')[0]}@{digest}"


def _context(
    origin: Origin, parents: Mapping[ImageName, Stored], files: Mapping[str, FilesContext], lock: Lock
) -> Context | None:
    match origin:
        case ParentImage(name=name):
            return ImageContext(image=parents[name])
        case ExternalImage(reference=reference):
            locked = lock.images.get(reference)
            return UrlContext(url=f"docker-image://{pinned(reference, locked.digest) if locked else reference}")
        case LocalFiles(folder=folder):
            return files.get(folder, FilesContext())
        case RemoteFiles(url=url):
            return UrlContext(url=url)
    return None


def tags_of(image: Image, key: str, registry: str) -> tuple[str, ...]:
    """Full references: the key and `latest` in the image's own repository, and the tags that it declares."""
    own = f"{registry}/{image.name}"
    declared = [Published.parse(text) for text in image.tags]
    named = [str(one.in_full) for one in declared if one.tag != "*"]
    return tuple(dict.fromkeys([f"{own}:{key}", f"{own}:{LATEST}", *named]))


def context_id(context: FilesContext) -> str:
    """A name for a context's content: equal exactly for equal files. 128 bits of SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    for entry in context.files:
        path = entry.path.encode("utf-8", "surrogateescape")
        digest.update(b"%d:%s %o %s\n" % (len(path), path, entry.mode, entry.oid.encode()))
    return digest.hexdigest()[:32]
