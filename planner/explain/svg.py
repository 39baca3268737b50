"""Turns a graph into one still picture: SVG in light and dark, the same bytes every time."""

from __future__ import annotations

from html import escape

from planner.explain.boxes import BOX_HEIGHT, box_text, box_width
from planner.explain.layered import Point, layered
from planner.explain.text import printable
from planner.model.graph import ImageGraph
from planner.model.image import Kind
from planner.plan.rebuild import Action, Plan, PlannedImage

MARGIN = 16
LEGEND = 34
_STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1f2937}
.edge{fill:none;stroke:#94a3b8;stroke-width:1.2}
.box{stroke:#cbd5e1;fill:#fff}
.base{fill:#3b82f6}.cuda{fill:#16a34a}.derived{fill:#94a3b8}
.build .box{stroke:#d97706;stroke-width:1.6;fill:#fffbeb}
.mark{fill:none;stroke:#d97706;stroke-width:2}.own{fill:#d97706}.kept{fill:none;stroke:#94a3b8;stroke-width:1.6}
.quiet{fill:#64748b}
svg{background:#fff}
@media (prefers-color-scheme:dark){svg{background:#0f172a}text{fill:#e2e8f0}
.edge{stroke:#64748b}.box{stroke:#475569;fill:#1e293b}
.build .box{fill:#2b2416;stroke:#f59e0b}.mark{stroke:#f59e0b}.own{fill:#f59e0b}.quiet{fill:#94a3b8}}
"""


def svg(graph: ImageGraph, plan: Plan | None) -> str:
    """A picture of the graph; with a plan, each image is marked by what the plan does with it. All ASCII."""
    position = {name: at for at, name in enumerate(graph.order)}
    edges = [(position[parent], position[name]) for name in graph.order for parent in graph.nodes[name].parents]
    drawing = layered([(box_width(name), BOX_HEIGHT) for name in graph.order], edges)
    planned = {image.name: image for image in plan.images} if plan else {}
    legend = _legend([kind for kind in Kind if any(node.kind is kind for node in graph.nodes.values())], plan)
    width = max(drawing.width, legend[1]) + 2 * MARGIN
    height = drawing.height + 2 * MARGIN + LEGEND
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{len(graph.order)} images and their parents">',
        f"<style>{_STYLE}</style>",
        f'<g transform="translate({MARGIN} {MARGIN})">',
    ]
    lines.extend(f'<path class="edge" d="{curve(route)}"/>' for route in drawing.edges)
    for name in graph.order:
        lines += _box(name, graph.nodes[name].kind, planned.get(name), drawing.boxes[position[name]])
    lines += [f'<g transform="translate(0 {drawing.height + LEGEND:.0f})">', *legend[0], "</g>", "</g>", "</svg>"]
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode()


def _box(name: str, kind: Kind, planned: PlannedImage | None, place: Point) -> list[str]:
    width, action = box_width(name), planned.action if planned else None
    told = f"{printable(name)}, {kind.value}{f', {action.value}' if action else ''}"
    lines = [
        f'<g class="{action.value if action else "unknown"}" transform="translate({place[0]:.1f} {place[1]:.1f})">',
        f"<title>{escape(told)}</title>",
        f'<rect class="box" width="{width}" height="{BOX_HEIGHT}" rx="6"/>',
        f'<rect class="{kind.value}" x="6" y="8" width="4" height="{BOX_HEIGHT - 16}" rx="2"/>',
        f'<text x="18" y="19.5">{escape(box_text(name))}</text>',
    ]
    if planned and action is Action.BUILD:
        lines.append(f'<circle class="mark{" own" if planned.own else ""}" cx="{width - 14}" cy="15" r="4"/>')
    elif action is Action.REUSE:
        lines.append(f'<path class="kept" d="M{width - 18} 15l3 3l6 -6.5"/>')
    return [*lines, "</g>"]


def curve(route: tuple[Point, ...]) -> str:
    """A smooth path through points: level where it passes a layer, bent between layers."""
    (x, y), path = route[0], ""
    path = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in route[1:]:
        middle = (x + to_x) / 2
        bent = f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        path += f"H{to_x:.1f}" if y == to_y else bent
        x, y = to_x, to_y
    return path


def _legend(kinds: list[Kind], plan: Plan | None) -> tuple[list[str], float]:
    """What colours and marks mean, in one line, and its width."""
    lines: list[str] = []
    x = 0.0
    signs = [(f'<rect class="{kind.value}" y="-10" width="4" height="12" rx="2"/>', kind.value) for kind in kinds]
    if plan:
        signs += [
            ('<circle class="mark own" cx="4" cy="-4" r="4"/>', "changed: builds"),
            ('<circle class="mark" cx="4" cy="-4" r="4"/>', "builds after a parent"),
            ('<path class="kept" d="M0 -4l3 3l6 -6.5"/>', "reused"),
        ]
    for sign, text in signs:
        lines.append(f'<g transform="translate({x:.0f} 0)">{sign}<text class="quiet" x="14">{text}</text></g>')
        x += 14 + len(text) * 6.6 + 18
    return lines, x
