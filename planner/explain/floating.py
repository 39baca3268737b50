"""Tells what a plan takes by a name that may mean something else tomorrow, since no lock holds it."""

from __future__ import annotations

from collections.abc import Iterator

from planner.digest.inputs import REMOTE, Input, InputKind, Manifest
from planner.digest.key import Keys

SHOWN = 4


def floats(keys: Keys, *, everything: bool) -> tuple[str, ...]:
    """Warnings: with `everything` one for each name, else one for all external images together.

    Frontends and sources of ADD are named with `everything` only: to know of them every manifest must be looked at.
    """
    loaded = keys.made_by.loaded
    if everything:
        named = sorted({text for manifests in keys.manifests.values() for one in manifests for text in _floating(one)})
        return tuple(f"{text} floats: planner lock holds it" for text in named)
    if loaded.family.lock.images:
        return ()  # What the lock lacks is warned of where it is read.
    names = sorted({name for node in loaded.graph.nodes.values() for name in node.externals if "@" not in name})
    if not names:
        return ()
    listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    verb = "floats" if len(names) == 1 else "float"
    return (f"{listed} {verb}, since there is no images.lock: planner lock",)


def _floating(manifest: Manifest) -> Iterator[str]:
    for item in manifest.inputs:
        if item.kind is InputKind.EXTERNAL and not _is_held(item):
            yield item.name
        elif item.kind is InputKind.FRONTEND and not _is_held(item):
            yield f"{item.name} (frontend)"
        elif item.kind is InputKind.UNSURE and item.parts[0][0] == REMOTE:
            yield f"{item.parts[0][1]} (ADD)"


def _is_held(item: Input) -> bool:
    return "@" in item.name or any(name.startswith("digest") for name, _ in item.parts)
