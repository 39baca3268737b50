"""Draws a replay as one still picture, the same bytes every time: commits across, images down, counts at the ends."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from planner.explain.replay import SHORT, Report
from planner.explain.text import printable
from planner.model.image import ImageName
from planner.plan.replay import Replayed

CELL = 9
STEP = 11
TOP = 96
BARS = 56
MAX_COMMITS = 400
LETTER = 6.7
STYLE = """
text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2937}
.title{font-weight:600;font-size:13px}.quiet{fill:#64748b}
.own{fill:#d97706}.parent{fill:#fcd9a4}.kept{fill:#e2e8f0}.error{fill:#dc2626}.bar{fill:#94a3b8}
svg{background:#fff}
@media (prefers-color-scheme:dark){svg{background:#0f172a}text{fill:#e2e8f0}
.quiet{fill:#94a3b8}
.own{fill:#f59e0b}.parent{fill:#7c5a1e}.kept{fill:#293548}.error{fill:#f87171}.bar{fill:#64748b}}
"""


def replay_svg(report: Report) -> str:
    """The commits that rebuild something or could not be read, oldest first; only the newest where there are many."""
    told = [one for one in report.commits if one.rebuilt or one.error]
    shown = told[-MAX_COMMITS:]
    names = _names(report)
    left = max((len(name) for name in names), default=5) * LETTER + 26
    width = max(left + len(shown) * STEP + 70, 560.0)
    height = TOP + len(names) * STEP + 44
    quiet = report.tally.commits - len(told)
    label = f"{len(shown)} commits and {len(names)} images: what each commit rebuilds"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img" aria-label="{label}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="16" y="22">{escape(printable(report.revisions))}</text>',
        f'<text class="quiet" x="16" y="38">{escape(_told(report, len(told) - len(shown), quiet))}</text>',
    ]
    lines += _columns(shown, names, left)
    lines += _rows(report, names, left, left + len(shown) * STEP + 8)
    return "\n".join([*lines, *_legend(left, height - 16), "</svg>"])


def _names(report: Report) -> list[ImageName]:
    """Every image in the order in which the newest commits have them; those that are gone come last."""
    found: dict[ImageName, None] = {}
    for one in reversed(report.commits):
        found.update(dict.fromkeys(one.images))
    return list(found)


def _told(report: Report, left_out: int, quiet: int) -> str:
    plural = "" if report.tally.commits == 1 else "s"
    parts = [
        f"{report.tally.rebuilds:,} rebuilds in {report.tally.commits:,} commit{plural}",
        f"{quiet:,} rebuild nothing",
    ]
    return ", ".join([*parts, *([f"{left_out:,} older ones not shown"] if left_out else [])])


def _columns(shown: Sequence[Replayed], names: Sequence[ImageName], left: float) -> list[str]:
    """One column for each commit: a bar of how many images it rebuilds, and a cell for each image that it has."""
    most = max((len(one.rebuilt) for one in shown), default=1) or 1
    lines: list[str] = []
    row = {name: at for at, name in enumerate(names)}
    for at, one in enumerate(shown):
        x = left + at * STEP
        what = "cannot be read" if one.error else f"{len(one.rebuilt)} of {len(one.images)} rebuild"
        head = f"{one.commit.id[:SHORT]} {one.commit.date} {printable(one.commit.subject)}: {what}"
        high = BARS - 20 if one.error else max(1.0, (BARS - 20) * len(one.rebuilt) / most)
        lines.append(f'<g transform="translate({x:.1f} {TOP})"><title>{escape(head)}</title>')
        kind = "error" if one.error else "bar"
        lines.append(f'<rect class="{kind}" y="{-4 - high:.1f}" width="{CELL}" height="{high:.1f}"/>')
        own = {image.name: image.own for image in one.rebuilt}
        for name in one.images:
            kind = "kept" if name not in own else "own" if own[name] else "parent"
            lines.append(f'<rect class="{kind}" y="{row[name] * STEP}" width="{CELL}" height="{CELL}"/>')
        lines.append("</g>")
    return lines


def _rows(report: Report, names: Sequence[ImageName], left: float, right: float) -> list[str]:
    """The names of the images, and how often each was rebuilt."""
    counts = {one.name: one.rebuilds for one in report.tally.images}
    lines: list[str] = []
    for at, name in enumerate(names):
        y = TOP + at * STEP + CELL
        lines.append(f'<text x="{left - 8:.1f}" y="{y}" text-anchor="end">{escape(printable(name))}</text>')
        lines.append(f'<text class="quiet" x="{right:.1f}" y="{y}">{counts.get(name, 0):,}</text>')
    return lines


def _legend(left: float, y: int) -> list[str]:
    lines: list[str] = []
    x = left
    for kind, text in (("own", "own inputs"), ("parent", "after a parent"), ("kept", "kept"), ("error", "unreadable")):
        lines.append(f'<rect class="{kind}" x="{x:.1f}" y="{y - 9}" width="{CELL}" height="{CELL}"/>')
        lines.append(f'<text class="quiet" x="{x + 14:.1f}" y="{y}">{text}</text>')
        x += 14 + len(text) * LETTER + 16
    return lines
