"""Opens the records that a registry keeps, as a command line names them, and looks at all images at once."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

from planner.cli.signing import seal_for
from planner.digest.key import Keys
from planner.errors import RegistryError, UsageError
from planner.local.state import State
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.model.names import Reference
from planner.plan.baseline import Baseline, Past
from planner.registry.ahead import Ahead
from planner.registry.client import HttpRegistry
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot

PUBLISHED = "published"
"""What stands for the registry that the graph file names."""


def prefix_of(named: str, keys: Keys) -> str:
    """The HOST/PATH below which images are published. Raises UsageError for what names none."""
    if named == PUBLISHED:
        known = keys.made_by.loaded.family.registry
        if not known:
            raise UsageError(
                f"{PUBLISHED} is the registry that the graph file names, and it names none\n"
                "  give the graph file a registry: field, or name the registry itself"
            )
        return known
    try:
        return Reference.parse(f"{named}/x").repository.removesuffix("/x")
    except ValueError as error:
        hint = f"write HOST/PATH, or {PUBLISHED} for the one that the graph file names"
        # A login that somebody wrote before the host is not repeated.
        raise UsageError(f'"{named.rpartition("@")[2]}" names no registry\n  {hint}') from error


def ask_ahead(named: str, state: State) -> Ahead | None:
    """Begin to ask a registry what it said of last, before the keys are known; None where nothing is known of it.

    Which registry the graph file names is not known yet either: it is taken to be the one that was looked at last.
    """
    snapshot = Snapshot(state.root / "published")
    prefix = snapshot.last_prefix() if named == PUBLISHED else named
    return None if prefix is None else Ahead(HttpRegistry(), snapshot, prefix)


def open_published(
    options: argparse.Namespace,
    keys: Keys,
    named: str,
    state: State,
    *,
    offline: bool = False,
    write: bool = False,
    ahead: Ahead | None = None,
) -> PublishedRecords:
    """The records below a registry, nothing looked at yet but what was asked `ahead`.

    Only those count that the policy believes.

    Raises PlannerError where they are to be written and this run cannot sign them as the policy asks.
    """
    prefix = prefix_of(named, keys)
    seal = seal_for(options, prefix, write=write)
    if ahead is not None and ahead.prefix == prefix:
        return PublishedRecords(ahead.registry, prefix, ahead.snapshot, seal, ahead=ahead)
    if ahead is not None:
        ahead.stop()
    return PublishedRecords(None if offline else HttpRegistry(), prefix, Snapshot(state.root / "published"), seal)


def named_by_key(options: argparse.Namespace, keys: Keys, state: State) -> Callable[[ImageName], Stored | None]:
    """Finds the published image of a key: by its tag or, where records must be signed, by a record that is believed."""
    host = keys.made_by.loaded.family.registry
    registry = HttpRegistry()
    seal = seal_for(options, host) if host else None
    if seal is None:
        return lambda name: _tagged(registry, f"{host}/{name}", keys.keys[name]) if host else None
    published = open_published(options, keys, PUBLISHED, state)
    nodes = keys.made_by.loaded.graph.nodes

    def believed(name: ImageName) -> Stored | None:
        found = published.find(name, nodes[name].image.platforms, keys.keys[name])
        return found[0].stored if found else None

    return believed


def _tagged(registry: HttpRegistry, repository: str, key: str) -> Stored | None:
    digest = registry.digest_of(repository, key)
    return Stored(store=Store.REGISTRY, digest=digest, repository=repository) if digest else None


def with_names(then: Baseline, published: PublishedRecords, keys: Keys) -> Baseline:
    """The baseline of a run that pushes: what is published under a name that names another state counts as absent."""
    stored = {name: past.stored for name, past in then.items() if past.stored is not None and past.older is None}
    if published.registry is None or published.prefix != keys.made_by.loaded.family.registry:
        return then
    wrong = misnamed(published.registry, keys, stored)
    return {
        **then,
        **{name: Past(key=then[name].key, lost=f"{tags[0]} names another state") for name, tags in wrong.items()},
    }


def misnamed(
    registry: HttpRegistry, keys: Keys, stored: Mapping[ImageName, Stored]
) -> dict[ImageName, tuple[str, ...]]:
    """Of images that are published those whose tags do not name them, with these tags; the key's own is none of them.

    The state of an image that comes back, as by a revert, is recorded under its key, and its tags name a later one.
    """
    from planner.registry.naming import astray
    from planner.schedule.requests import tags_of

    loaded = keys.made_by.loaded
    tags = {
        name: [
            tag
            for tag in tags_of(loaded.graph.nodes[name].image, keys.keys[name], loaded.family.registry)
            if tag.rpartition(":")[2] != keys.keys[name]
        ]
        for name in stored
    }
    wrong = astray(registry, {tag: stored[name].digest for name, named in tags.items() for tag in named})
    return {name: found for name, named in tags.items() if (found := tuple(tag for tag in named if tag in wrong))}


def look(published: PublishedRecords, keys: Keys, state: State) -> str:
    """Look at the whole family at once, and keep what was seen; gives what was looked at, for people.

    Raises RegistryError where the registry does not answer, which says how to go on without it.
    """
    prefix = published.prefix
    if published.registry is None:
        at = published.snapshot.looked_at(prefix)
        if at is None:
            raise RegistryError(f"{prefix}: nothing is known of it here\n  plan against it once without --offline")
        published.look(keys.keys)
        return f"{prefix}, as it was {age(time.time() - at)} ago"
    try:
        published.look(keys.keys)
    except RegistryError as error:
        hint = "  --offline plans with what it said last; without --against it is not asked"
        raise RegistryError(f"{error}\n{hint}") from error
    state.prepare()
    published.snapshot.save(prefix, time.time())
    return prefix


def age(seconds: float) -> str:
    """A stretch of time for people, in the largest unit of which it has two."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} seconds"
