"""What the state folder knows of images' layer caches: sizes of layers, and how long steps took."""

from __future__ import annotations

from collections.abc import Sequence

from planner.build.layout import Incomplete, Layout
from planner.local.records import SqliteRecords
from planner.local.state import State
from planner.model.build import Record, Store
from planner.model.image import ImageName
from planner.policy.budget import Cached


def cached_images(state: State, names: Sequence[ImageName]) -> list[Cached]:
    """What the newest record of each image tells.

    The layers of the image stand for those of its cache; stages that leave nothing in it are not counted.
    """
    if not state.records.is_file():
        return [Cached(image=name, layers=None, seconds=0.0) for name in names]
    records = SqliteRecords(state.records, writable=False)
    try:
        found = [(name, records.latest(name)) for name in names]
    finally:
        records.close()
    layout = Layout(state.layout)
    return [_cached(name, record, layout) for name, record in found]


def _cached(name: ImageName, record: Record | None, layout: Layout) -> Cached:
    if record is None:
        return Cached(image=name, layers=None, seconds=0.0)
    ran = sum(step.seconds for step in record.steps if not step.cached)
    layers: dict[str, int] | None = None
    if record.stored.store is Store.LAYOUT:
        try:
            layers = layout.layers(record.stored.digest)
        except (Incomplete, OSError):
            layers = None
    return Cached(image=name, layers=layers, seconds=ran)
