"""Draws when each image was built: as Mermaid, which GitHub shows in Markdown, and as an SVG of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

from planner.explain.text import printable
from planner.model.frozen import dataclass

MAX_LETTERS = 40_000
"""Mermaid draws no text above 50,000 (its `maxTextSize`)."""
LONGEST = 60
ROW, LEFT, WIDE = 20, 220, 640
LETTER = 6.2
STYLE = """
text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2937}
.quiet{fill:#64748b}.line{stroke:#e2e8f0}.built{fill:#16a34a}.failed{fill:#dc2626}.other{fill:#94a3b8}
svg{background:#fff}
@media (prefers-color-scheme:dark){svg{background:#0f172a}text{fill:#e2e8f0}
.quiet{fill:#94a3b8}.line{stroke:#293548}}
"""
_UNSAFE = re.compile(r"[^A-Za-z0-9._/+@ -]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """An image's time in seconds since 1970, and how it ended: `built`, `failed`, or another word."""

    name: str
    start: float
    end: float
    ended: str


def gantt_mermaid(bars: Sequence[Bar]) -> str:
    """A Gantt chart as a fenced block, "" without bars; the longest ones only where there are too many.

    Each line begins with a number, so that no image is called as a word of Mermaid's is.
    """
    if not bars:
        return ""
    head = ["```mermaid", "gantt", "  dateFormat x", "  axisFormat %H:%M:%S"]
    room = MAX_LETTERS - 200
    kept: set[int] = set()
    lines = [_mermaid(bar) for bar in bars]
    for place in sorted(range(len(bars)), key=lambda place: bars[place].start - bars[place].end):
        room -= len(lines[place]) + 1
        if room < 0:
            break
        kept.add(place)
    told = [lines[place] for place in sorted(kept)]
    left = len(bars) - len(kept)
    return "\n".join([*head, *told, "```", *([f"\n… and {left} shorter ones"] if left else [])])


def _mermaid(bar: Bar) -> str:
    start, end = round(bar.start * 1000), round(bar.end * 1000)
    tag = {"built": "done, ", "failed": "crit, "}.get(bar.ended, "")
    name = _UNSAFE.sub("_", bar.name)[:LONGEST]
    return f"  {bar.end - bar.start:.1f} s {name} :{tag}{start}, {max(end, start + 1)}"


def gantt_svg(bars: Sequence[Bar]) -> str:
    """A bar for each image, in the order given, over a common axis in seconds."""
    begin = min((bar.start for bar in bars), default=0.0)
    whole = max((bar.end for bar in bars), default=0.0) - begin or 1.0
    height = ROW * (len(bars) + 2)
    width = LEFT + WIDE + 90
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="When {len(bars)} images were built, in {whole:.1f} s">',
        f"<style>{STYLE}</style>",
    ]
    for tenth in range(0, 11, 2):
        x = LEFT + WIDE * tenth / 10
        lines.append(f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{ROW}" y2="{height - 4}"/>')
        lines.append(f'<text class="quiet" x="{x:.1f}" y="14" text-anchor="middle">{whole * tenth / 10:.1f} s</text>')
    for place, bar in enumerate(bars):
        lines += _row(bar, ROW * (place + 1) + 6, (bar.start - begin) / whole, (bar.end - bar.start) / whole)
    return "\n".join([*lines, "</svg>"])


def _row(bar: Bar, y: float, start: float, share: float) -> list[str]:
    name = printable(bar.name)
    shown = name if len(name) * LETTER < LEFT - 16 else name[: int((LEFT - 16) / LETTER) - 1] + "…"
    kind = bar.ended if bar.ended in ("built", "failed") else "other"
    x, wide = LEFT + WIDE * start, max(WIDE * share, 1.0)
    took = f"{bar.end - bar.start:.1f} s"
    return [
        f'<text x="{LEFT - 8}" y="{y + 10}" text-anchor="end">{escape(shown)}</text>',
        f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="13" rx="2">'
        f"<title>{escape(name)}: {escape(bar.ended)}, {took}</title></rect>",
        f'<text class="quiet" x="{x + wide + 5:.1f}" y="{y + 10}">{took}</text>',
    ]
