"""Turns the manifests of a whole family into keys, parents first; a parent stands in its child's by its own key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from planner.digest.hashing import Hasher
from planner.digest.inputs import SCHEMA, InputKind, Manifest, reparented
from planner.digest.manifest import Manifests
from planner.digest.overlaid import Overlaid
from planner.digest.trace import Trace
from planner.model.frozen import dataclass
from planner.model.graph import Node, ParentImage
from planner.model.image import ImageName
from planner.ports import Tree
from planner.sources.loaded import LoadedFamily


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was found of every image of a family in one tree: a manifest and a key for each platform.

    `traces` says what each image's manifests were told by the tree: where another tree says the same, they are the
    same, but for the keys of parents. `definition` says the same of the files that the family itself is written in,
    None where nobody traced. `remarkable` are the images with an unsure input or a warning: all others need not be
    looked at to know that they have none.
    """

    loaded: LoadedFamily
    definition: Trace | None
    manifests: Mapping[ImageName, tuple[Manifest, ...]]
    by_platform: Mapping[tuple[ImageName, str], str]
    traces: Mapping[ImageName, Trace]
    remarkable: frozenset[ImageName]


@dataclass(frozen=True, kw_only=True)
class Keys:
    """A family's keys, and the facts and the maker behind them."""

    keys: Mapping[ImageName, str]
    facts: Facts
    made_by: Manifests

    @property
    def manifests(self) -> Mapping[ImageName, tuple[Manifest, ...]]:
        """The manifests of each image, one for each platform."""
        return self.facts.manifests

    @property
    def remarkable(self) -> Iterator[ImageName]:
        """The images with an unsure input or a warning, parents first."""
        return (name for name in self.made_by.loaded.graph.order if name in self.facts.remarkable)

    @property
    def unsettled(self) -> frozenset[ImageName]:
        """The images whose key leaves open what they are: those with an unsure input, and all that stand on them.

        What was built under such a key may stand on what its parent was before.
        """
        found = {name for name in self.facts.remarkable if any(one.unsure for one in self.manifests[name])}
        graph = self.made_by.loaded.graph
        for name in graph.order if found else ():
            if not found.isdisjoint(graph.nodes[name].parents):
                found.add(name)
        return frozenset(found)


@dataclass(frozen=True, kw_only=True)
class Known:
    """The facts of a family in another tree; `agrees` tells whether this tree says the same of all paths of a trace."""

    facts: Facts
    agrees: Callable[[Trace], bool]


def keys_of(loaded: LoadedFamily, tree: Tree, known: Known | None = None, definition: Trace | None = None) -> Keys:
    """Every image's manifests and key; what is known from another tree is taken over where nothing else would come."""
    made = _Made(Manifests(loaded=loaded, tree=tree, hasher=Hasher(loaded.family.algorithm)), known)
    for name in loaded.graph.order:
        made.add(name)
    return Keys(keys=made.keys, facts=made.facts(definition), made_by=made.maker)


def keys_found(facts: Facts, tree: Tree) -> Keys:
    """The keys that facts hold already, over the tree that they are of."""
    loaded = facts.loaded
    maker = Manifests(loaded=loaded, tree=tree, hasher=Hasher(loaded.family.algorithm))
    keys = {name: _whole(facts.by_platform, name, maker) for name in loaded.graph.order}
    return Keys(keys=keys, facts=facts, made_by=maker)


def _whole(by_platform: Mapping[tuple[ImageName, str], str], name: ImageName, maker: Manifests) -> str:
    """The key of an image: that of its platform, or of all of them together."""
    platforms = maker.loaded.graph.nodes[name].image.platforms
    if len(platforms) == 1:
        return by_platform[name, platforms[0]]
    return maker.hasher.key([SCHEMA, *(by_platform[name, platform] for platform in platforms)])


def parent_keys(
    node: Node, platform: str, by_platform: Mapping[tuple[ImageName, str], str], keys: Mapping[ImageName, str]
) -> dict[ImageName, str]:
    """What stands for each parent where the image is built for a platform: the key of the platform that is read.

    Where that is none of the parent's, or more than one, it is the key of all of them together.
    """
    found: dict[ImageName, str] = {}
    for parent in node.parents:
        read = node.platforms_of(ParentImage(name=parent), platform)
        found[parent] = by_platform.get((parent, min(read)), keys[parent]) if len(read) == 1 else keys[parent]
    return found


class _Made:
    """What was found so far, parents first, beside what is known from another tree."""

    def __init__(self, maker: Manifests, known: Known | None) -> None:
        self.maker = maker
        self.known = known
        self.keys: dict[ImageName, str] = {}
        self.by_platform: dict[tuple[ImageName, str], str] = {}
        self.manifests: dict[ImageName, tuple[Manifest, ...]] = {}
        self.traces: dict[ImageName, Trace] = {}
        self.is_whole = known is not None and known.facts.loaded is maker.loaded
        if known is not None and self.is_whole:  # Most stays as it is known: what is found anew is put in its place.
            self.by_platform, self.traces = dict(known.facts.by_platform), dict(known.facts.traces)
        self.taken_over: list[ImageName] = []
        self.moved: set[ImageName] = set()

    def add(self, name: ImageName) -> None:
        """Find out about one image; its parents are known by now."""
        node = self.maker.loaded.graph.nodes[name]
        known = self.known if self.known is not None and self._is_alike(self.known, name) else None
        same = known is not None and known.agrees(known.facts.traces[name])
        if known is not None and same and not self.is_whole:
            self.traces[name] = known.facts.traces[name]
        if known is not None and same and self.moved.isdisjoint(node.parents):
            self.taken_over.append(name)
            for platform in () if self.is_whole else node.image.platforms:
                self.by_platform[name, platform] = known.facts.by_platform[name, platform]
        else:
            self._make(name, known, same=same)
            if not same:
                self.traces[name] = self.maker.traced.taken()
        self.keys[name] = _whole(self.by_platform, name, self.maker)

    def _is_alike(self, known: Known, name: ImageName) -> bool:
        """Whether an image's steps are those that it has in the other tree."""
        one, other = known.facts.loaded, self.maker.loaded
        return one is other or one.thinks_alike(other, name)

    def _make(self, name: ImageName, known: Known | None, *, same: bool) -> None:
        node, hasher = self.maker.loaded.graph.nodes[name], self.maker.hasher
        made: list[Manifest] = []
        for at, platform in enumerate(node.image.platforms):
            parents = parent_keys(node, platform, self.by_platform, self.keys)
            if known is None:
                manifest = self.maker.make(node.image, platform, parents)
            else:
                before = known.facts.manifests[name][at]
                manifest = reparented(before if same else self.maker.remade(node.image, before), parents, hasher)
            self.by_platform[name, platform] = key = manifest_key(manifest, hasher)
            if known is None or known.facts.by_platform[name, platform] != key:
                self.moved.add(name)
            made.append(manifest)
        self.manifests[name] = tuple(made)

    def facts(self, definition: Trace | None) -> Facts:
        """All that was found."""
        remarkable = {
            name
            for name, made in self.manifests.items()
            if any(manifest.warnings or manifest.unsure for manifest in made)
        }
        manifests: Mapping[ImageName, tuple[Manifest, ...]] = self.manifests
        if self.known is not None:
            manifests = Overlaid(self.manifests, self.known.facts.manifests, self.taken_over)
            remarkable.update(self.known.facts.remarkable.intersection(self.taken_over))
        return Facts(
            loaded=self.maker.loaded,
            definition=definition,
            manifests=manifests,
            by_platform=self.by_platform,
            traces=self.traces,
            remarkable=frozenset(remarkable),
        )


def manifest_key(manifest: Manifest, hasher: Hasher, schema: str = "") -> str:
    """The key of one manifest: its inputs' kinds and digests in order. Places and shown texts do not count."""
    texts = [schema or SCHEMA]
    for item in manifest.inputs:
        texts.append(item.kind)
        if item.kind in (InputKind.PARENT, InputKind.EXTERNAL):
            texts.append(item.name)
        texts.append(item.digest)
    return hasher.key(texts)


def resolved_key(keys: Keys, name: ImageName, digests: Mapping[ImageName, str]) -> str:
    """The key of the same inputs with each parent standing in by the digest of its image, not by its own key.

    Two builds with equal resolved keys were given the same bytes, however their parents came about.
    """
    hasher = keys.made_by.hasher
    made = [manifest_key(reparented(manifest, digests, hasher), hasher) for manifest in keys.manifests[name]]
    return made[0] if len(made) == 1 else hasher.key([SCHEMA, *made])
