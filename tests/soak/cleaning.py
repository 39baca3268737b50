"""Cleans up in a soak as a user would: `planner gc --apply` through the registry that fails, then the registry's own
collection of blobs. What the present state of the family needs must outlive both.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from unittest.mock import patch

from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from planner.registry.leases import LONGEST, lease_tag
from tests.registry.faults import Fault
from tests.soak.asking import asked
from tests.soak.checking import Lost
from tests.soak.world import World

CLEAN_EVERY = 20
GC = ("gc", "--apply", "--grace", "0", "--wait", "0", "--last", "1")
"""Nothing is spared for its age, so that the first run puts away and the second deletes."""
LATER = 2 * LONGEST
"""Seconds after which no lease of a killed planner keeps anything."""
FAULTS = 0.5
"""The part of clean-ups that begins with a run amid faults."""


def clean(world: World, later: float = 0.0) -> None:
    """Clean up and look at what is left, as if so many seconds later.

    Raises Lost where something went that the present state needs.
    """
    keys = world.planned()
    before = {name: tagged(world, name, key) for name, key in keys.items()}
    if world.chance.random() < FAULTS:
        fault = world.chance.choice(list(Fault))
        world.proxy.arm(fault, at=world.chance.randrange(60), times=world.chance.choice([1, 3, 20]))
        world.counts.faults += 1
        ran_well = _gc(world, later)
        world.proxy.arm(None)
        world.counts.gc_failed += not ran_well
        _expect_kept(world, keys, before)
    for _ in range(2):
        if not _gc(world, later):
            raise Lost("a gc that nothing was in the way of failed")
    world.registry.collect()
    world.counts.cleaned += 1
    _expect_kept(world, keys, before)
    world.checks.cleaned(keys)


def _gc(world: World, later: float) -> bool:
    """Whether it ended well. Raises Lost for a traceback."""
    now = time.time
    date = formatdate(now() + later, usegmt=True)  # Of a registry with another clock nothing is removed.
    try:
        with patch.object(time, "time", lambda: now() + later), patch.dict(world.proxy.replaced, {"date": date}):
            run = asked(world.family.workspace.root, world.environment, *GC)
    except Exception as bug:
        raise Lost(f"a bug: {bug!r}") from bug
    return run.status == 0


def tagged(world: World, name: str, key: str) -> str | None:
    """The digest that is published for a key, past the proxy."""
    return HttpRegistry().digest_of(f"{world.checks.repositories}/{name}", key)


def left_by_the_killed(world: World) -> int:
    """How many leases there are while nothing is built."""
    registry = HttpRegistry()
    found = (tags_of(registry, f"{world.checks.repositories}/{name}") for name in world.planned())
    return sum(tag.startswith(lease_tag("")) for tags in found for tag in tags)


def _expect_kept(world: World, keys: dict[str, str], before: dict[str, str | None]) -> None:
    """What was tagged under the present keys still is, and can be pulled."""
    for name, key in keys.items():
        if before[name] != tagged(world, name, key):
            raise Lost(f"gc took {name} {before[name]} in its present state {key}")
    world.checks.whole.clear()
    world.checks.present(keys)
