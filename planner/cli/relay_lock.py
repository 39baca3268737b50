"""Holds what a pull request says of images from outside against registries and main: bases, frontends, build policies.

A base's triggers (ONBUILD) stand in its configuration alone, and what they read is looked at by the lock's word. An old
frontend may find another FROM in a Dockerfile than is found here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from planner.digest.build_policy import MAX_POLICY
from planner.digest.key import Keys
from planner.explain.text import printable
from planner.model.graph import MACHINE, ExternalImage
from planner.model.image import ImageName
from planner.model.lock import Lock, LockedImage
from planner.model.names import Reference
from planner.policy.relay import is_dockers_frontend, is_newest_frontend
from planner.ports import Tree
from planner.registry.client import HttpRegistry
from planner.registry.inspect import inspect, offered
from planner.sources import lock_file
from planner.sources.frontends import frontend_of, reference_of
from planner.sources.loaded import LoadedFamily


def false_entries(keys: Keys, names: Iterable[ImageName], registry: HttpRegistry) -> list[str]:
    """What the lock says of the images from outside that these images read, and their registry does not.

    Raises RegistryError where that cannot be told.
    """
    loaded = keys.made_by.loaded
    nodes = [loaded.graph.nodes[name] for name in names]
    read = dict.fromkeys(reference for node in nodes for reference in node.externals)
    by_machine = {use.origin for node in nodes for use in node.uses if use.platform == MACHINE}
    wrong = []
    for reference in read:
        locked = loaded.family.lock.images.get(reference)
        if locked is None:
            continue
        pinned = Reference.parse(f"{reference.partition('@')[0]}@{locked.digest}")
        if inspect(registry, pinned, locked.platforms) != locked:
            wrong.append(f"{lock_file.NAME} does not say of {printable(reference)} what its registry says")
        elif ExternalImage(reference=reference) in by_machine and not _is_one(registry, pinned, locked):
            wrong.append(
                f"{printable(reference)} has other triggers on other platforms, and is read on the builder's own"
            )
    return wrong


def _is_one(registry: HttpRegistry, pinned: Reference, locked: LockedImage) -> bool:
    """Whether an image hands on the same triggers on all of its platforms: the lock may lack that of the builder."""
    all_platforms = inspect(registry, pinned, offered(registry, pinned) or locked.platforms.keys())
    told = {facts.onbuild for one in (all_platforms, locked) for facts in one.platforms.values()}
    return len(told) < 2


def strange_frontends(
    loaded: LoadedFamily, names: Iterable[ImageName], main: Callable[[], LoadedFamily], registry: HttpRegistry
) -> list[str]:
    """The frontends of these images that are none of Docker's newest ones, nor one that `main` reads.

    Raises RegistryError where that cannot be told, and what `main` raises.
    """
    wrong = []
    for name in names:
        frontend = _frontend(loaded, name)
        what = f"{name}: is read by the frontend {printable(frontend[:200])}, which is"
        if not is_dockers_frontend(frontend):
            wrong.append(f"{what} none of Docker's own")
        elif frontend and not _is_newest(frontend, loaded.family.lock, registry):
            known = main()
            ours = {_held(_frontend(known, one), known.family.lock) for one in known.graph.order}
            if _held(frontend, loaded.family.lock) not in ours:
                wrong.append(f"{what} neither the newest one nor one of main's: write docker/dockerfile:1")
    return wrong


def strange_policies(keys: Keys, names: Iterable[ImageName], main: Tree) -> list[str]:
    """The build policies of these images that `main` does not have: one may pin a base to another digest."""
    wrong = []
    for name in names:
        for place in dict.fromkeys(one.policy for one in keys.manifests[name] if one.policy):
            theirs = keys.made_by.tree.read(place, MAX_POLICY)
            if main.entry(place) is None or main.read(place, MAX_POLICY) != theirs:
                wrong.append(f"{name}: has a build policy that main has not: {printable(place)}")
    return wrong


def _frontend(loaded: LoadedFamily, name: ImageName) -> str:
    image = loaded.graph.nodes[name].image
    return frontend_of(image, loaded.dockerfiles[image.dockerfile].directives)


def _held(frontend: str, lock: Lock) -> tuple[str, str]:
    """A frontend's reference, and the digest that it is locked to."""
    reference = reference_of(frontend)
    return reference, lock.frontends.get(reference, "")


def _is_newest(frontend: str, lock: Lock, registry: HttpRegistry) -> bool:
    if not is_newest_frontend(frontend):
        return False
    reference, locked = _held(frontend, lock)
    named = Reference.parse(reference)
    return not locked or registry.manifest(named.repository, named.tag or "latest")[0] == locked
