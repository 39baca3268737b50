"""Draws times by size as a small SVG: both axes logarithmic, one line for each command."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 720, 360, 56, 36, 44, 270
COLOURS = ("#2563eb", "#d97706", "#16a34a", "#9333ea", "#94a3b8", "#dc2626", "#0891b2", "#64748b")


def drawn(title: str, sizes: Sequence[int], lines: Mapping[str, Sequence[float]]) -> str:
    """`lines` hold one value for each of the sizes."""
    values = [value for line in lines.values() for value in line]
    low, high = math.log10(min(values) / 1.3), math.log10(max(values) * 1.3)
    first, last = math.log10(sizes[0] / 1.3), math.log10(sizes[-1] * 1.3)

    def x(size: float) -> float:
        return LEFT + (math.log10(size) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}">',
        "<style>text{font:12px system-ui,sans-serif;fill:#475569}.grid{stroke:#cbd5e1}.line{fill:none;stroke-width:2}"
        "svg{background:#fff}@media (prefers-color-scheme:dark)"
        "{svg{background:#0f172a}text{fill:#cbd5e1}.grid{stroke:#475569}}</style>",
        f'<text x="{LEFT}" y="20" font-weight="600">{escape(title)}</text>',
    ]
    for power in range(math.floor(low), math.ceil(high) + 1):
        for step in (1, 2, 5):
            value = step * 10.0**power
            if low <= math.log10(value) <= high:
                out.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>')
                out.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for size in sizes:
        out.append(f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">images</text>')
    ends = sorted((y(line[-1]), name) for name, line in lines.items())
    places: dict[str, float] = {}
    for at, name in ends:
        places[name] = max([at, *(place + 14 for place in places.values())])
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        path = "L".join(f"{x(size):.1f} {y(value):.1f}" for size, value in zip(sizes, line, strict=True))
        out.append(f'<path class="line" stroke="{colour}" d="M{path}"/>')
        out += [
            f'<circle cx="{x(size):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>'
            for size, value in zip(sizes, line, strict=True)
        ]
        at_end = f'x="{WIDTH - RIGHT + 10}" y="{places[name] + 4:.1f}"'
        out.append(f'<text {at_end} style="fill:{colour}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
