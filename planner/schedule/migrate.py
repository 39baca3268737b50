"""Records again, under the keys of today, what was found under those of an older schema. Builds nothing."""

from __future__ import annotations

from dataclasses import replace

from planner.digest import written
from planner.digest.key import Keys, resolved_key
from planner.plan.baseline import Baseline, lister
from planner.ports import Builder, Records
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
