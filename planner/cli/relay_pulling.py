"""The untrusted side of a relay: waits for records that are signed as the policy asks, and pulls what they name."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from planner.cli.asides import warn
from planner.cli.plan import state_of
from planner.cli.policy import policy_of
from planner.cli.relay_policy import needed
from planner.cli.saying import say
from planner.cli.signing import sealed
from planner.errors import PlannerError
from planner.model.build import Record
from planner.model.image import ImageName
from planner.plan.relay_request import Request
from planner.policy.cache_refs import read_from
from planner.policy.relay import served
from planner.registry.client import HttpRegistry
from planner.registry.pulling import pull
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.registry.whole import whole

LOOK = 5.0
"""Seconds between two looks."""


def pull_all(options: argparse.Namespace, request: Request) -> int:
    """Verify, and with `--into` pull, every image of a request; 1 where one is not there in time."""
    policy = policy_of(options)
    needed(policy)
    theirs, judged = served(policy, request.number)
    registry = HttpRegistry()
    snapshot = Snapshot(state_of(options).root / "published")
    # The pull request's own scope comes first, then main's.
    places = [
        PublishedRecords(registry, prefix, snapshot, sealed(policy, prefix)) for prefix in read_from(theirs, judged)
    ]
    found: dict[ImageName, Record] = {}
    ends = time.monotonic() + options.wait
    while True:
        for one in request.images:
            record = None if one.name in found else _record(places, one.name, one.platforms, one.key)
            if record is not None:
                found[one.name] = record
        if len(found) == len(request.images) or time.monotonic() >= ends:
            break
        time.sleep(min(LOOK, max(ends - time.monotonic(), 0.1)))
    for record in found.values():
        repository, digest = record.stored.repository, record.stored.digest
        whole(registry, repository, digest)
        if options.into:
            pull(registry, repository, digest, Path(options.into), f"{record.image}:{record.key}")
    for text in dict.fromkeys(text for place in places for text in place.warnings):
        warn(text)
    missing = [one for one in request.images if one.name not in found]
    if missing and options.format == "text":
        lines = "\n".join(f"  {one.name} as {one.key}" for one in missing)
        raise PlannerError(f"these images are not there, or not signed as the policy asks\n{lines}")
    return say(_json(request, found) if options.format == "json" else _text(found), status=1 if missing else 0)


def _record(places: list[PublishedRecords], name: ImageName, platforms: tuple[str, ...], key: str) -> Record | None:
    for place in places:
        record = place.published_now(name, key)
        if record is not None and record.platforms == platforms:
            return record
    return None


def _text(found: dict[ImageName, Record]) -> str:
    return "\n".join(f"{record.stored.repository}@{record.stored.digest}" for record in found.values())


def _json(request: Request, found: dict[ImageName, Record]) -> str:
    images = []
    for one in request.images:
        record = found.get(one.name)
        images.append(
            {
                "name": one.name,
                "key": one.key,
                "digest": record.stored.digest if record else None,
                "repository": record.stored.repository if record else None,
            }
        )
    return json.dumps({"version": 1, "commit": request.commit, "images": images}, indent=2)
