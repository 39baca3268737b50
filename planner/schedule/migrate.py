"""Records again what no name of today leads to: an older schema has it, or a clean-up put it away. Builds nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from planner.digest import written
from planner.digest.key import Keys, resolved_key
from planner.model.build import Store, Stored
from planner.plan.baseline import Baseline, lister
from planner.plan.rebuild import Action, Plan
from planner.ports import Builder, Records, Registry
from planner.schedule.requests import request_of


def record_again(keys: Keys, then: Baseline, records: Records, builder: Builder, registry: str) -> int:
    """Write a record, and with a `registry` the tags, for each image of which only an older key was known.

    Gives how many there were. Parents that are not at hand leave the older resolved key. Raises RegistryError.
    """
    graph = keys.made_by.loaded.graph
    stored = {name: past.stored for name, past in then.items() if past.stored is not None}
    count = 0
    for name in graph.order:
        record = then[name].older if name in then else None
        if record is None:
            continue
        parents = graph.nodes[name].parents
        resolved = record.resolved_key
        if all(parent in stored for parent in parents):
            resolved = resolved_key(keys, name, {parent: stored[parent].digest for parent in parents})
            if registry:
                builder.name(request_of(keys, name, stored, registry=registry), record.stored)
        manifests = written.write(keys.manifests[name], lambda manifest, item: lister(keys, manifest)(item))
        records.add(replace(record, key=keys.keys[name], resolved_key=resolved, manifests=manifests))
        count += 1
    return count


def publish_again(
    plan: Plan, keys: Keys, records: Records, registry: Registry, is_published: Callable[[Stored], bool]
) -> int:
    """Let the key name each image again that is reused although it names it no more, and write its record anew.

    A clean-up that did not know the key has put it away, and would delete what a build has just counted on. Other tags
    stay as they are. Gives how many there were. Raises RegistryError.
    """
    count = 0
    for image in plan.images:
        kept = image.stored
        if image.action is not Action.REUSE or kept is None or kept.store is not Store.REGISTRY or is_published(kept):
            continue
        registry.tag(kept.repository, kept.digest, image.key)
        platforms = keys.made_by.loaded.graph.nodes[image.name].image.platforms
        for record in records.find(image.name, platforms, image.key):
            if record.stored == kept:
                records.add(record)
                break
        count += 1
    return count
