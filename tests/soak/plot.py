"""Draws what a soak measured over its cycles as an SVG: a panel for memory and two for disk, in megabytes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, PANEL, LEFT, RIGHT, TOP = 760, 220, 64, 190, 34
COLOURS = ("#2563eb", "#d97706", "#16a34a", "#9333ea")
MEGA = 1e6
ALONE = "state folder, disk"
"""Drawn in a panel of its own: it is small beside the others, and what the planner itself is to answer for."""


def drawn_over_cycles(found: Sequence[dict[str, float]]) -> str:
    """`found` are measurements with `cycle` and values in bytes whose names end with the panel's."""
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{3 * PANEL}" '
        f'viewBox="0 0 {WIDTH} {3 * PANEL}" role="img" aria-label="memory and disk over the cycles of a soak">',
        "<style>text{font:12px system-ui,sans-serif;fill:#475569}.grid{stroke:#cbd5e1}.line{fill:none;stroke-width:1.5}"
        "svg{background:#fff}@media (prefers-color-scheme:dark)"
        "{svg{background:#0f172a}text{fill:#cbd5e1}.grid{stroke:#475569}}</style>",
    ]
    memory = [name for name in found[0] if name.endswith(", memory")]
    disk = [name for name in found[0] if name.endswith(", disk") and name != ALONE]
    for number, (kind, names) in enumerate((("memory", memory), ("disk", disk), ("disk", [ALONE]))):
        out += _panel(found, names, kind, number * PANEL)
    return "\n".join([*out, "</svg>"]) + "\n"


def _panel(found: Sequence[dict[str, float]], names: Sequence[str], kind: str, top: float) -> list[str]:
    most = max(one[name] for one in found for name in names) / MEGA * 1.1 or 1.0
    last = found[-1]["cycle"]
    bottom = top + PANEL - 30

    def x(cycle: float) -> float:
        return LEFT + cycle / last * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return bottom - value / MEGA / most * (PANEL - TOP - 30)

    out = [f'<text x="{LEFT}" y="{top + 20}" font-weight="600">{kind}, MB, after each cycle</text>']
    for part in range(5):
        value = most * part / 4
        place = y(value * MEGA)
        out.append(f'<path class="grid" d="M{LEFT} {place:.1f}H{WIDTH - RIGHT}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for part in range(5):
        cycle = last * part / 4
        out.append(f'<text x="{x(cycle):.0f}" y="{bottom + 16}" text-anchor="middle">{cycle:.0f}</text>')
    places: list[float] = []
    for name, colour in zip(names, COLOURS, strict=False):
        path = "L".join(f"{x(one['cycle']):.1f} {y(one[name]):.1f}" for one in found)
        out.append(f'<path class="line" stroke="{colour}" d="M{path}"/>')
        place = y(found[-1][name])
        while any(abs(place - other) < 14 for other in places):
            place += 14
        places.append(place)
        label = escape(name.partition(",")[0])
        out.append(f'<text x="{WIDTH - RIGHT + 8}" y="{place + 4:.1f}" style="fill:{colour}">{label}</text>')
    return out
