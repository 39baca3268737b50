"""Turns a simulation into a table for people, a document for programs and a still picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.sax.saxutils import escape

from planner.ci.simulation import MEANING, Cost, Simulated

STYLE = """
text{font:12px system-ui,sans-serif;fill:#1f2937}.quiet{fill:#64748b}.title{font-weight:600}.bar{fill:#2563eb}
svg{background:#fff}
@media (prefers-color-scheme:dark){svg{background:#0f172a}text{fill:#e2e8f0}
.quiet{fill:#94a3b8}.bar{fill:#60a5fa}}
"""
WIDTH, LEFT, ROW, BAR = 760, 130, 22, 430


def simulation_text(found: Sequence[Simulated]) -> str:
    """One table for each number of slots."""
    blocks: list[str] = []
    for one in found:
        lines = [_title(one), f"{'':<12}  {'minutes':>12}  {'money':>12}  {'GB moved':>12}"]
        for policy, cost in one.costs.items():
            numbers = f"{cost.seconds / 60:>12,.1f}  {cost.money:>12,.2f}  {cost.bytes / 1e9:>12,.1f}"
            lines.append(f"{policy.value:<12}  {numbers}  {MEANING[policy]}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _title(one: Simulated) -> str:
    return (
        f"{one.changes:,} changes of a family of {one.images:,} images, {one.rebuilds:,} rebuilds, "
        f"{one.slots} slots (simulated)"
    )


def simulation_json(found: Sequence[Simulated]) -> str:
    """All of it as a document, version 1."""
    runs = [
        {
            "images": one.images,
            "changes": one.changes,
            "rebuilds": one.rebuilds,
            "slots": one.slots,
            "policies": {policy.value: _numbers(cost) for policy, cost in one.costs.items()},
        }
        for one in found
    ]
    return json.dumps({"version": 1, "simulated": runs}, indent=2)


def _numbers(cost: Cost) -> dict[str, float]:
    return {"minutes": round(cost.seconds / 60, 2), "money": round(cost.money, 2), "bytes": round(cost.bytes)}


def simulation_svg(found: Sequence[Simulated]) -> str:
    """Minutes as bars, a block for each number of slots; the same bytes every time."""
    lines: list[str] = []
    top = 16
    for one in found:
        lines.append(f'<text class="title" x="16" y="{top + 12}">{escape(_title(one))}</text>')
        top += 28
        longest = max((cost.seconds for cost in one.costs.values()), default=0.0) or 1.0
        for policy, cost in one.costs.items():
            width = cost.seconds / longest * BAR
            lines.append(f'<text x="16" y="{top + 12}">{escape(policy.value)}</text>')
            lines.append(f'<rect class="bar" x="{LEFT}" y="{top + 1}" width="{width:.1f}" height="15" rx="2"/>')
            told = f"{cost.seconds / 60:,.0f} min, {cost.money:,.2f}, {cost.bytes / 1e9:,.0f} GB"
            lines.append(f'<text class="quiet" x="{LEFT + width + 8:.1f}" y="{top + 12}">{told}</text>')
            top += ROW
        top += 14
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" '
        f'role="img" aria-label="Simulated minutes, money and bytes by policy"><style>{STYLE}</style>'
    )
    return "\n".join([head, *lines, "</svg>"])
