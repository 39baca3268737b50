"""`planner promote`: copies images by digest, with their records, from one registry or path to another."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from planner.cli import arguments as shared
from planner.cli.asides import warn
from planner.cli.family import chosen, keys_now
from planner.cli.plan import state_of
from planner.cli.published import PUBLISHED, look, open_published, prefix_of
from planner.cli.saying import say
from planner.cli.trusting import refuse_ungranted
from planner.digest.key import Keys
from planner.errors import PlannerError, UsageError
from planner.explain.text import counted
from planner.model.build import Record
from planner.model.image import ImageName
from planner.model.names import Reference
from planner.registry.client import HttpRegistry
from planner.registry.copying import CopyPlan, copy, plan_copy
from planner.registry.records import PublishedRecords
from planner.system.threads import Threads

EXAMPLE = "planner promote --to registry.example/production --tag v1.4"
AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One image: its published record and whether all of it could be read, what has to move, and the tags to come."""

    name: ImageName
    record: Record
    is_whole: bool
    plan: CopyPlan
    tags: tuple[str, ...]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("--to", required=True, metavar="REGISTRY", help="HOST/PATH below which the images will be")
    parser.add_argument(
        "--from", dest="from_", default=PUBLISHED, metavar="REGISTRY", help="where they are [that of the graph file]"
    )
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="a tag besides the key and latest")
    parser.add_argument("--no-records", action="store_true", help="copy no records")
    parser.add_argument("--dry-run", action="store_true", help="only say what would move")
    shared.policy(parser)
    shared.state(parser)
    shared.formats(parser, "text", "json")
    parser.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="only these (globs)")


def run(options: argparse.Namespace) -> int:
    """Plan, then copy, verify and tag image by image, parents first."""
    keys = keys_now(options)
    for tag in options.tag:
        try:
            Reference.parse(f"registry.example/x:{tag}")
        except ValueError as error:
            raise UsageError(f'--tag "{tag}" is no tag: letters, digits, _, . and -, at most 128') from error
    target = prefix_of(options.to, keys)
    if target == prefix_of(options.from_, keys):
        raise UsageError(f"--to {target} is where the images are")
    refuse_ungranted(options, source=prefix_of(options.from_, keys), target=target)
    registry = HttpRegistry()
    wanted = chosen(options.images, keys.made_by.loaded.graph)
    promotions = _plan(options, keys, [name for name in keys.keys if name in wanted], registry, target)
    counts: Mapping[ImageName, Counter[str]] = {}
    if not options.dry_run:
        records = (
            None if options.no_records else open_published(options, keys, options.to, state_of(options), write=True)
        )
        with Threads(AT_ONCE) as pool:
            moved = pool.map(lambda one: _promote(registry, records, one), promotions)
            counts = dict(zip((one.name for one in promotions), moved, strict=True))
    return say(_json(promotions, counts) if options.format == "json" else _text(promotions, counts))


def _records(options: argparse.Namespace, keys: Keys) -> PublishedRecords | None:
    return None if options.no_records else open_published(options, keys, options.to, state_of(options), write=True)


def _plan(
    options: argparse.Namespace, keys: Keys, names: Sequence[ImageName], registry: HttpRegistry, target: str
) -> list[Promotion]:
    """What has to move. Raises PlannerError where an image is not published in its current state."""
    state = state_of(options)
    published = open_published(options, keys, options.from_, state)
    look(published, keys, state)
    nodes = keys.made_by.loaded.graph.nodes
    found = {name: published.find(name, nodes[name].image.platforms, keys.keys[name]) for name in names}
    missing = "\n".join(f"  {name} as {keys.keys[name]}" for name, records in found.items() if not records)
    for warning in published.warnings:
        warn(warning)
    if missing:
        raise PlannerError(
            f"{published.prefix}: these images are not published in their current state\n{missing}\n"
            "  planner build --push first"
        )

    def one(name: ImageName) -> Promotion:
        found_there = found[name][0]
        whole = published.whole_record(found_there)
        return Promotion(
            name=name,
            record=whole or found_there,
            is_whole=whole is not None,
            plan=plan_copy(registry, found_there.stored.repository, found_there.stored.digest, f"{target}/{name}"),
            tags=tuple(dict.fromkeys([found_there.key, "latest", *options.tag])),
        )

    told = len(published.warnings)
    with Threads(AT_ONCE) as pool:
        promotions = list(pool.map(one, names))
    for warning in published.warnings[told:]:
        warn(warning)
    for promotion in promotions:
        if not (promotion.is_whole or options.no_records):
            warn(f"{promotion.name}: its record cannot be read, so none is written below {target}")
    return promotions


def _promote(registry: HttpRegistry, records: PublishedRecords | None, one: Promotion) -> Counter[str]:
    """Copy, verify, tag, record: in that order, as a push does."""
    counts = copy(registry, one.plan)
    for tag in one.tags:
        registry.tag(one.plan.target, one.plan.digest, tag)
    if records is not None and one.is_whole:
        records.add(replace(one.record, stored=replace(one.record.stored, repository=one.plan.target)))
    return counts


def _text(promotions: Sequence[Promotion], counts: Mapping[ImageName, Counter[str]]) -> str:
    lines: list[str] = []
    for one in promotions:
        size = sum(blob.size for blob in one.plan.missing)
        told = counts.get(one.name)
        how = (
            ", ".join(f"{count} {word}" for word, count in sorted(told.items()))
            if told is not None
            else (f"{len(one.plan.missing)} of {len(one.plan.blobs)} blobs to move, {size} bytes")
        )
        lines.append(f"{one.name}  {one.plan.target}@{one.plan.digest}\n  {how}; tags {', '.join(one.tags)}")
    return "\n".join(
        [*lines, "", f"{counted(len(promotions), 'image')} {'promoted' if counts else 'would be promoted'}"]
    )


def _json(promotions: Sequence[Promotion], counts: Mapping[ImageName, Counter[str]]) -> str:
    images = [
        {
            "name": one.name,
            "key": one.record.key,
            "digest": one.plan.digest,
            "from": one.plan.source,
            "to": one.plan.target,
            "tags": list(one.tags),
            "manifests": [manifest.digest for manifest in one.plan.manifests],
            "blobs": [{"digest": blob.digest, "bytes": blob.size, "there": blob.there} for blob in one.plan.blobs],
            "moved": dict(sorted(counts[one.name].items())) if one.name in counts else None,
        }
        for one in promotions
    ]
    return json.dumps({"version": 1, "images": images}, indent=2)
