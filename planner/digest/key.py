"""Turns the manifests of a whole family into keys, parents first; a parent stands in its child's by its own key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from planner.digest.hashing import Hasher
from planner.digest.manifest import SCHEMA, InputKind, Manifest, Manifests
from planner.model.image import ImageName
from planner.ports import Tree
from planner.sources.load import LoadedFamily


@dataclass(frozen=True, kw_only=True)
class Keys:
    """A family's keys, and the manifests behind them by image and platform."""

    keys: Mapping[ImageName, str]
    manifests: Mapping[ImageName, tuple[Manifest, ...]]
    made_by: Manifests


@dataclass(frozen=True, kw_only=True)
class Known:
    """Keys of the same loaded family in another tree; `agrees` tells whether both trees hold the same at a path."""

    keys: Keys
    agrees: Callable[[str], bool]


def keys_of(loaded: LoadedFamily, tree: Tree, known: Known | None = None) -> Keys:
    """Every image's manifests and key.

    What is known from another tree is taken over for each image whose files are the same in both: the manifest of an
    image is decided by its steps, by what its contexts and its ignore file hold, and by its parents' keys.
    """
    hasher = Hasher(loaded.family.algorithm)
    maker = Manifests(loaded=loaded, tree=tree, hasher=hasher)
    by_platform: dict[tuple[ImageName, str], str] = {}
    keys: dict[ImageName, str] = {}
    manifests: dict[ImageName, tuple[Manifest, ...]] = {}
    for name in loaded.graph.order:
        node = loaded.graph.nodes[name]
        if known is not None and known.keys.made_by.loaded is loaded and _is_known(name, maker, keys, known):
            keys[name], manifests[name] = known.keys.keys[name], known.keys.manifests[name]
            for manifest in manifests[name]:
                by_platform[name, manifest.platform] = manifest_key(manifest, hasher)
            continue
        made: list[Manifest] = []
        for platform in node.image.platforms:
            parents = {parent: by_platform.get((parent, platform), keys[parent]) for parent in node.parents}
            manifest = maker.make(node.image, platform, parents)
            by_platform[name, platform] = manifest_key(manifest, hasher)
            made.append(manifest)
        single = [by_platform[name, platform] for platform in node.image.platforms]
        keys[name] = single[0] if len(single) == 1 else hasher.key([SCHEMA, *single])
        manifests[name] = tuple(made)
    return Keys(keys=keys, manifests=manifests, made_by=maker)


def _is_known(name: ImageName, maker: Manifests, keys: Mapping[ImageName, str], known: Known) -> bool:
    node = maker.loaded.graph.nodes[name]
    if any(keys[parent] != known.keys.keys[parent] for parent in node.parents):
        return False
    return all(known.agrees(path) for path in maker.read_by(node.image))


def manifest_key(manifest: Manifest, hasher: Hasher) -> str:
    """The key of one manifest: its inputs' kinds and digests in order. Places and shown texts do not count."""
    texts = [SCHEMA]
    for item in manifest.inputs:
        texts.append(item.kind.value)
        if item.kind in (InputKind.PARENT, InputKind.EXTERNAL):
            texts.append(item.name)
        texts.append(item.digest)
    return hasher.key(texts)
