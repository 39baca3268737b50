"""Writes what a clean-up keeps and drops, for people and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.cli.published import age
from planner.explain.text import printable
from planner.plan.budget import Budget
from planner.plan.retention import Decision, freed
from planner.registry.listing import Listing


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a clean-up found and decided. `wait` and `now` (seconds) tell which quarantines are due."""

    listings: Sequence[Listing]
    decisions: Sequence[Decision]
    applied: bool
    now: float
    wait: float
    budget: Budget | None = None
    scopes: Sequence[Mapping[str, Any]] | None = None

    def is_due(self, at: float) -> bool:
        """Whether a quarantine since then has waited long enough."""
        return self.now - at >= self.wait


def text(report: Report) -> str:
    """Everything for people."""
    lines: list[str] = []
    by_repository: dict[str, list[Decision]] = {}
    for one in report.decisions:
        by_repository.setdefault(one.manifest.repository, []).append(one)
    for each in report.listings:
        here = by_repository.get(each.repository, [])
        if not here and not each.quarantined:
            continue
        lines.append(printable(each.repository))
        kept = Counter(one.why for one in here if one.keep)
        lines += [f"  keep  {count:4}  {printable(why)}" for why, count in sorted(kept.items())]
        lines += _dropped(here, each)
        for quarantined in each.quarantined:
            at = quarantined.at
            due = "due" if report.is_due(at) else f"for {age(report.now - at)}"
            lines.append(f"  in quarantine {due}: {len(quarantined.entries)} manifests as {quarantined.tag}")
    return "\n".join([*lines, "", *_sum(report)])


def _sum(report: Report) -> Iterator[str]:
    for scope in report.scopes or ():
        yield f"{scope['scope']}: {printable(scope['why'])}"
    budget = report.budget
    if budget is not None:
        fits = "within" if budget.fits else "more than is allowed, and all of it is wanted: nothing more can go; "
        yield f"{budget.held} bytes stay, {fits}{' ' if budget.fits else ''}--max-bytes {budget.limit}"
    word = "dropped" if report.applied else "would be dropped"
    count = sum(not one.keep for one in report.decisions)
    yield (
        f"{count} of {len(report.decisions)} manifests {word}, with {freed(report.decisions)} bytes that nothing else "
        "names"
    )
    if count and not report.applied:
        yield (
            "--apply removes them"
            if report.scopes is not None
            else "--apply untags them, and deletes what has been in quarantine for long enough"
        )


def _dropped(here: Sequence[Decision], each: Listing) -> Iterator[str]:
    held = each.held
    for one in here:
        if not one.keep and one.manifest.digest not in held:
            tags = ", ".join(one.manifest.tags) or "no tag"
            size = sum(one.manifest.blobs.values()) + one.manifest.size
            yield f"  drop  {one.manifest.kind:<9}  {one.manifest.digest}  {size} bytes  ({printable(tags)}): {one.why}"


def document(report: Report) -> str:
    """Everything as JSON, as the schema `gc` describes it."""
    held = {each.repository: each.held for each in report.listings}
    found: dict[str, Any] = {
        "version": 1,
        "applied": report.applied,
        "freed": freed(report.decisions),
        "manifests": [
            {
                "repository": one.manifest.repository,
                "digest": one.manifest.digest,
                "kind": one.manifest.kind.value,
                "tags": list(one.manifest.tags),
                "state": _state(one, held[one.manifest.repository]),
                "why": one.why,
                "bytes": sum(one.manifest.blobs.values()) + one.manifest.size,
            }
            for one in report.decisions
        ],
        "quarantines": [
            {"repository": one.repository, "tag": one.tag, "manifests": len(one.entries), "due": report.is_due(one.at)}
            for each in report.listings
            for one in each.quarantined
        ],
    }
    if report.budget is not None:
        found["budget"] = {
            "max_bytes": report.budget.limit,
            "kept_bytes": report.budget.held,
            "fits": report.budget.fits,
        }
    if report.scopes is not None:
        found["scopes"] = list(report.scopes)
    return json.dumps(found, indent=2)


def _state(one: Decision, held: frozenset[str]) -> str:
    if one.manifest.digest in held:
        return "in-quarantine" if not one.keep else "wanted-again"
    return "keep" if one.keep else "drop"
