"""Turns keys into those that an older schema gave the same inputs, so that raising the schema rebuilds nothing.

A change of the schema adds an entry to OLDER that says how a manifest of today looked then. Where that cannot be said,
it raises, and the image is built anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from planner.digest.inputs import Manifest, reparented
from planner.digest.key import Keys, manifest_key, parent_keys
from planner.model.frozen import dataclass
from planner.model.image import ImageName


class CannotSay(Exception):
    """A manifest of which nobody can tell how it looked under an older schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Older:
    """A schema that keys had before.

    `as_it_was` gives the manifest that it made of the same inputs, or raises CannotSay.
    """

    schema: str
    as_it_was: Callable[[Manifest], Manifest]


OLDER: tuple[Older, ...] = ()
"""The schemas before this one whose records still count, the newest first."""


def older_keys(keys: Keys) -> Iterator[Mapping[ImageName, str]]:
    """For each older schema the keys that it gave, of every image of which that can be said."""
    return (_under(keys, older) for older in OLDER)


def _under(keys: Keys, older: Older) -> Mapping[ImageName, str]:
    hasher, graph = keys.made_by.hasher, keys.made_by.loaded.graph
    found: dict[ImageName, str] = {}
    by_platform: dict[tuple[ImageName, str], str] = {}
    for name in graph.order:
        node = graph.nodes[name]
        if not all(parent in found for parent in node.parents):
            continue
        single: list[str] = []
        try:
            for manifest in keys.manifests[name]:
                platform = manifest.platform
                parents = parent_keys(node, platform, by_platform, found)
                key = manifest_key(reparented(older.as_it_was(manifest), parents, hasher), hasher, older.schema)
                by_platform[name, platform] = key
                single.append(key)
        except CannotSay:
            continue
        found[name] = single[0] if len(single) == 1 else hasher.key([older.schema, *single])
    return found
