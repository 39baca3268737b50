"""Turns boxes and the edges between them into a layered drawing from left to right, the same every time.

Sugiyama's steps: layers by longest path, stand-ins where an edge passes a layer, an order with few crossings, and
places that keep edges straight. Parts that no edge joins are drawn on their own and set side by side.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Sequence

from planner.model.frozen import dataclass

BETWEEN_LAYERS = 56
BETWEEN_BOXES = 12
BETWEEN_PARTS = 28
SWEEPS = 8
MAX_STAND_INS = 20_000
"""Beyond this many an edge is drawn straight across the layers it passes, so that time stays bounded."""
ASPECT = 1.6

Point = tuple[float, float]
Boxes = Sequence[tuple[float, float]]
Edges = Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """Where each box has its upper left corner, the points that each edge passes, and the size of it all."""

    boxes: tuple[Point, ...]
    edges: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layered(boxes: Boxes, edges: Edges) -> Drawing:
    """Lay out boxes (width, height); edges point from left to right and make no cycle."""
    places: list[Point] = [(0, 0)] * len(boxes)
    routes: list[tuple[Point, ...]] = [()] * len(edges)
    parts = [_Part(boxes, edges, members) for members in _parts(len(boxes), edges)]
    corners, width, height = _packed([(part.width, part.height) for part in parts])
    for part, (x, y) in zip(parts, corners, strict=True):
        for box, place in part.places.items():
            places[box] = (place[0] + x, place[1] + y)
        for edge, route in part.routes.items():
            routes[edge] = tuple((point[0] + x, point[1] + y) for point in route)
    return Drawing(boxes=tuple(places), edges=tuple(routes), width=width, height=height)


def _parts(count: int, edges: Edges) -> list[list[int]]:
    above = list(range(count))

    def root(box: int) -> int:
        while above[box] != box:
            above[box] = above[above[box]]
            box = above[box]
        return box

    for start, end in edges:
        one, other = sorted((root(start), root(end)))
        above[other] = one
    found: dict[int, list[int]] = {}
    for box in range(count):
        found.setdefault(root(box), []).append(box)
    return list(found.values())


def _packed(sizes: Boxes) -> tuple[list[Point], float, float]:
    """Rectangles in rows, the tallest first, within about a screen's aspect."""
    area = sum((width + BETWEEN_PARTS) * (height + BETWEEN_PARTS) for width, height in sizes)
    limit = max([(area * ASPECT) ** 0.5, *(width for width, _ in sizes)])
    corners: list[Point] = [(0, 0)] * len(sizes)
    x = y = row = wide = 0.0
    for index in sorted(range(len(sizes)), key=lambda index: (-sizes[index][1], index)):
        width, height = sizes[index]
        if x and x + width > limit:
            x, y, row = 0.0, y + row + BETWEEN_PARTS, 0.0
        corners[index] = (x, y)
        x += width + BETWEEN_PARTS
        row, wide = max(row, height), max(wide, x - BETWEEN_PARTS)
    return corners, wide, y + row


class _Part:
    """Boxes that edges join: first in layers of numbers, then as places. Stand-ins get numbers after the boxes'."""

    def __init__(self, boxes: Boxes, edges: Edges, members: list[int]) -> None:
        inside = set(members)
        self.boxes = boxes
        self.own = {index: edge for index, edge in enumerate(edges) if edge[0] in inside}
        self.level = _levels(members, list(self.own.values()))
        self.height_of = {box: boxes[box][1] for box in members}
        self.paths: dict[int, list[int]] = {}
        self.before: dict[int, list[int]] = {box: [] for box in members}
        self.after: dict[int, list[int]] = {box: [] for box in members}
        self._stand_ins(len(boxes))
        self.layers: list[list[int]] = [[] for _ in range(max(self.level.values()) + 1)]
        for box in self._walk(members):
            self.layers[self.level[box]].append(box)
        self._order()
        self._place()

    def _stand_ins(self, first: int) -> None:
        number = first
        for index, (start, end) in self.own.items():
            path = [start]
            if number - first + self.level[end] - self.level[start] <= MAX_STAND_INS:
                for level in range(self.level[start] + 1, self.level[end]):
                    self.level[number], self.height_of[number] = level, 0
                    self.before[number], self.after[number] = [], []
                    path.append(number)
                    number += 1
                path.append(end)
                for one, other in itertools.pairwise(path):
                    self.after[one].append(other)
                    self.before[other].append(one)
            else:
                path.append(end)
            self.paths[index] = path

    def _walk(self, members: list[int]) -> list[int]:
        """Every box and stand-in, depth first, so that what hangs together starts side by side."""
        seen: dict[int, None] = {}
        waiting = [box for box in reversed(members) if not self.before[box]]
        while waiting:
            box = waiting.pop()
            if box not in seen:
                seen[box] = None
                waiting.extend(reversed(self.after[box]))
        return list(seen)

    def _order(self) -> None:
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(SWEEPS):
            if not fewest:
                break
            down = sweep % 2 == 0
            near = self.before if down else self.after
            rank = {box: at for layer in self.layers for at, box in enumerate(layer)}
            for layer in self.layers if down else reversed(self.layers):
                mean = {
                    box: sum(rank[other] for other in near[box]) / len(near[box]) if near[box] else rank[box]
                    for box in layer
                }
                layer.sort(key=mean.__getitem__)
                rank.update(zip(layer, range(len(layer)), strict=True))
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _crossings(self) -> int:
        found = 0
        for left, right in itertools.pairwise(self.layers):
            rank = {box: at for at, box in enumerate(right)}
            ends: list[int] = []
            for box in left:
                mine = sorted(rank[other] for other in self.after[box])
                found += sum(len(ends) - bisect_right(ends, end) for end in mine)
                for end in mine:
                    insort(ends, end)
        return found

    def _place(self) -> None:
        """Middles of boxes, moved towards those of their neighbours as far as order and distance allow."""
        middle: dict[int, float] = {}
        for layer in self.layers:
            middle.update(zip(layer, _spread([0.0] * len(layer), self._gaps(layer)), strict=True))
        for sweep in range(2 * SWEEPS):
            near = (self.before, self.after)[sweep % 2]
            for layer in self.layers if sweep % 2 == 0 else reversed(self.layers):
                wanted = [
                    sum(middle[other] for other in near[box]) / len(near[box]) if near[box] else middle[box]
                    for box in layer
                ]
                middle.update(zip(layer, _spread(wanted, self._gaps(layer)), strict=True))
        top = min(middle[box] - self.height_of[box] / 2 for box in middle)
        self.height = max(middle[box] + self.height_of[box] / 2 for box in middle) - top
        widths = [
            max((self.boxes[box][0] for box in layer if box < len(self.boxes)), default=0) for layer in self.layers
        ]
        starts = [sum(widths[:at]) + at * BETWEEN_LAYERS for at in range(len(widths))]
        self.width = starts[-1] + widths[-1]
        self.places = {
            box: (starts[self.level[box]], middle[box] - top - self.height_of[box] / 2)
            for box in middle
            if box < len(self.boxes)
        }
        self.routes = {
            index: tuple(self._route(path, middle, starts, widths, top)) for index, path in self.paths.items()
        }

    def _gaps(self, layer: list[int]) -> list[float]:
        """How far apart the middles of neighbours are at least."""
        return [
            (self.height_of[one] + self.height_of[other]) / 2 + BETWEEN_BOXES
            for one, other in itertools.pairwise(layer)
        ]

    def _route(
        self, path: list[int], middle: dict[int, float], starts: list[float], widths: list[float], top: float
    ) -> list[Point]:
        """From the right side of the first box, past every stand-in, to the left side of the last box."""
        first, last = path[0], path[-1]
        points = [(starts[self.level[first]] + self.boxes[first][0], middle[first] - top)]
        for box in path[1:-1]:
            left = starts[self.level[box]]
            points += [(left, middle[box] - top), (left + widths[self.level[box]], middle[box] - top)]
        return [*points, (starts[self.level[last]], middle[last] - top)]


def _levels(members: list[int], edges: Edges) -> dict[int, int]:
    """Longest way from a box without parents; such a box itself stands just before the first that reads it."""
    after: dict[int, list[int]] = {box: [] for box in members}
    missing = dict.fromkeys(members, 0)
    for start, end in edges:
        after[start].append(end)
        missing[end] += 1
    level = dict.fromkeys(members, 0)
    roots = [box for box in members if not missing[box]]
    ready = list(roots)
    while ready:
        box = ready.pop()
        for other in after[box]:
            level[other] = max(level[other], level[box] + 1)
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    for box in roots:
        level[box] = min((level[other] for other in after[box]), default=1) - 1
    return level


def _spread(wanted: list[float], gaps: list[float]) -> list[float]:
    """The places nearest to the wanted ones (least squares) that keep the gaps: isotonic regression."""
    offset = [0.0, *itertools.accumulate(gaps)]
    blocks: list[tuple[float, int]] = []
    for at, place in enumerate(wanted):
        total, count = place - offset[at], 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            more = blocks.pop()
            total, count = total + more[0], count + more[1]
        blocks.append((total, count))
    means = [total / count for total, count in blocks for _ in range(count)]
    return [mean + offset[at] for at, mean in enumerate(means)]
