"""Turns paths that are edited into the images that read them, and those that follow.

The answer is for any edit of each path: it becomes a file with any content, a symlink, or nothing. No image is left out
whose key some edit of one of the paths changes. Beyond what `planner.digest.touched` tells of files, the answer is
wider than the truth in this, and only in this:

- any edit of a Dockerfile, or of a build policy beside it, counts for the images made of it, a comment too;
- any edit of the ignore file that applies to a context counts for every image that selects something from it, whatever
  it selects;
- any edit of a file that the definition is read from counts for all images, any edit of the lock for those that read
  an external, unless `redefined` says for which;
- where nobody wrote the family down, one more Dockerfile counts for all images: any of them may read it;
- an image that reads an affected one is affected, also where the edit would leave the parent's key as it is.

Whether two paths edited at once do more than each of them alone is not asked: a file that only an edited link leads to
is found by the link.
"""

from __future__ import annotations

import enum
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping

from planner.digest.build_policy import policy_place, policy_places
from planner.digest.contexts import given
from planner.digest.ignore_file import ignore_file
from planner.digest.manifest import Manifests
from planner.digest.reading import readings
from planner.digest.touched import Suppositions, Watched
from planner.digest.trace import Trace, Traced, covers
from planner.model.frozen import dataclass
from planner.model.graph import ExternalImage, ImageGraph
from planner.model.image import DISCOVERED, Image, ImageName, Span
from planner.ports import MODE_FOLDER, Tree
from planner.sources import lock_file
from planner.sources.dockerfile_places import places_of
from planner.sources.loaded import LoadedFamily

NEVER = frozenset({".git", ".planner"})
"""Folders that are part of no tree, at any depth."""


class Role(enum.StrEnum):
    """What a path is to an image. The values stand in JSON."""

    FILES = "files"
    DOCKERFILE = "dockerfile"
    POLICY = "build-policy"
    IGNORE_FILE = "ignore-file"
    GRAPH_FILE = "graph-file"
    LOCK = "lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class Touch:
    """One path that an image reads: as what, and where it says so. `instruction` is empty but for files."""

    path: str
    role: Role
    where: Span
    instruction: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Affected:
    """An image that reads one of the paths, or reads such an image. `parents` are those that are affected too."""

    name: ImageName
    touches: tuple[Touch, ...]
    parents: tuple[ImageName, ...]


def affected(
    maker: Manifests,
    paths: Iterable[str],
    *,
    direct: bool = False,
    redefined: Collection[ImageName] | None = None,
    whole: ImageGraph | None = None,
) -> tuple[Affected, ...]:
    """The images that any edit of one of these paths could change, in the order of the graph.

    Paths are relative to the workspace, normalised; one that ends in `/` or is a folder stands for all that it may
    ever hold, "" for the whole workspace. With `direct`, images that only read affected images are left out. `whole`
    is the graph of all images, where `maker` knows only those that may read a path, and what these stand on.
    """
    watching = _Watching(maker, redefined)
    touches: dict[ImageName, list[Touch]] = {}
    for path in dict.fromkeys(paths):
        for name, touch in watching.touches(path):
            touches.setdefault(name, []).append(touch)
    graph = maker.loaded.graph if whole is None else whole
    named = frozenset(touches) if direct else graph.descendants(touches)
    return tuple(
        Affected(
            name=name,
            touches=tuple(dict.fromkeys(touches.get(name, ()))),
            parents=tuple(parent for parent in graph.nodes[name].parents if parent in named),
        )
        for name in graph.order
        if name in named
    )


def defines(loaded: LoadedFamily, path: str) -> bool:
    """Whether an edit of a path could change what the images of a family are, without being one of a Dockerfile.

    Those are all paths that were asked for to read the definition, and the lock.
    """
    return covers(_definition(loaded) | {lock_file.NAME: ""}, path) or _discovers(loaded, path)


def is_discovered(loaded: LoadedFamily) -> bool:
    """Whether nobody wrote the family down, so that its Dockerfiles define it."""
    return loaded.family.file == DISCOVERED


def _definition(loaded: LoadedFamily) -> dict[str, str]:
    written: Trace = {} if is_discovered(loaded) else {loaded.family.file: ""}
    return {path: said for path, said in {**written, **loaded.family.written}.items() if path != lock_file.NAME}


def _discovers(loaded: LoadedFamily, path: str) -> bool:
    if not is_discovered(loaded) or path in loaded.dockerfiles:
        return False
    from planner.sources.discovery.files import dockerfiles  # few families are discovered

    return bool(dockerfiles((path,)))


class _Watching:
    """Everything that the images of a family look at, ready for questions about paths."""

    def __init__(self, maker: Manifests, redefined: Collection[ImageName] | None) -> None:
        loaded = maker.loaded
        self.tree: Tree = maker.tree
        self.loaded = loaded
        self.definition = _definition(loaded)
        self.images: Mapping[ImageName, Image] = {name: loaded.graph.nodes[name].image for name in loaded.graph.order}
        self.watched = {name: tuple(map(Watched, readings(maker, name))) for name in self.images}
        self.dockerfiles = {
            path: places_of(self.tree, path) for path in {image.dockerfile for image in self.images.values()}
        }
        self.policies = {name: policy_places(image, self.tree) for name, image in self.images.items()}
        self.locked = {
            name: next(use.span for use in node.uses if isinstance(use.origin, ExternalImage))
            for name, node in loaded.graph.nodes.items()
            if node.externals
        }
        self.redefined = self.images if redefined is None else redefined

    def touches(self, path: str) -> Iterator[tuple[ImageName, Touch]]:
        """The images that one path could change, and as what."""
        clean = path.rstrip("/")
        if NEVER.intersection(clean.split("/")):
            return
        found = self.tree.entry(clean) if clean else None
        folder = not clean or path.endswith("/") or (found is not None and found.mode == MODE_FOLDER)
        supposed = Suppositions(self.tree, clean, folder=folder) if clean else None
        for name, image in self.images.items():
            for touch in self._of(name, image, clean, supposed):
                yield name, touch

    def _of(self, name: ImageName, image: Image, path: str, supposed: Suppositions | None) -> Iterator[Touch]:
        if name in self.redefined and self._defines(path):
            yield Touch(path=path, role=Role.GRAPH_FILE, where=image.span)
        if _at(lock_file.NAME, path) and name in self.redefined and name in self.locked:
            yield Touch(path=path, role=Role.LOCK, where=self.locked[name])
        if any(_at(place, path) for place in self.dockerfiles[image.dockerfile]):
            yield Touch(path=path, role=Role.DOCKERFILE, where=image.span)
        # A folder that could get a policy has the Dockerfile too, which says enough.
        if path in self.policies[name] or _at(policy_place(image, self.tree) or "\0", path):
            yield Touch(path=path, role=Role.POLICY, where=image.span)
        read = False
        ruled: set[str] = set()  # Of each context, the first instruction that reads it speaks for the ignore file.
        for watched in self.watched[name]:
            step = watched.reading.step
            shown = step.text.partition("\n")[0]
            context = watched.reading.selection.context
            if context not in ruled and self._ignores(image, watched, path):
                ruled.add(context)
                yield Touch(path=path, role=Role.IGNORE_FILE, where=step.span, instruction=shown)
            if supposed is None or supposed.touch(watched):
                read = True
                yield Touch(path=path, role=Role.FILES, where=step.span, instruction=shown)
        if not read and any(self._holds(folder, path, supposed) for folder in given(image)):
            yield Touch(path=path, role=Role.FILES, where=image.span)

    def _defines(self, path: str) -> bool:
        """Whether an edit of the path could change what the images are; of one edit that did, any Dockerfile could."""
        if covers(self.definition, path) or _discovers(self.loaded, path):
            return True
        holds = any(_at(place, path) for place in self.loaded.dockerfiles)
        return holds and is_discovered(self.loaded) and self.redefined is not self.images

    def _holds(self, folder: str, path: str, supposed: Suppositions | None) -> bool:
        """Whether a context is there because of the path alone, or could be: an image with none is always built."""
        if _at(folder, path) and (supposed is None or supposed.folder):
            return True
        if supposed is None or not (_at(folder, path) or path.startswith(f"{folder}/")):
            return False
        return len({_is_folder(tree, folder) for tree in (self.tree, *supposed.trees)}) > 1

    def _ignores(self, image: Image, watched: Watched, path: str) -> bool:
        """Whether the path is, or could become, the ignore file of what a selection reads."""
        found = ignore_file(Traced(self.tree), image, watched.reading.selection.context)
        return any(_at(place, path) for place in found.looked)


def _is_folder(tree: Tree, path: str) -> bool:
    found = tree.entry(path)
    return found is not None and found.mode == MODE_FOLDER


def _at(place: str, path: str) -> bool:
    """Whether a path is a place, or a folder above it."""
    return not path or place == path or place.startswith(f"{path}/")


def normal(path: str) -> str | None:
    """A path given by hand in the form that a tree has it, a final `/` kept; None where it leaves the workspace."""
    clean = posixpath.normpath(path)
    if clean == ".." or clean.startswith(("../", "/")):
        return None
    if clean == ".":
        return ""
    return f"{clean}/" if path.endswith(("/", "/.")) else clean
