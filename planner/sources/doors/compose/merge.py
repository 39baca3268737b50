"""Merges what a later Compose file says of a service over what an earlier one says, as compose-go's `override` does.

Lists are joined, mappings are merged by name, all else is replaced. Values come in one form each: arguments and the
like as mappings, never as lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from planner.sources.doors.compose.mistakes import Mistakes
from planner.sources.doors.compose.values import Fields, Listing, Mark, Scalar, Value, is_null

NULL_COUNTS = ("args", "labels", "additional_contexts")
"""Mappings in which a name without a value means something, and so replaces one that has a value."""
NO_REPEATS = ("extra_hosts",)


def merged(base: Value | None, over: Value, mistakes: Mistakes, path: str) -> Value:
    """One value over another. A mark stays, since it tells of files that come before as well."""
    if base is None or over.mark is not Mark.NONE or base.mark is Mark.RESET:
        return over
    name = path.rpartition(".")[2]
    if is_null(over) and path.rpartition(".")[0].rpartition(".")[2] not in NULL_COUNTS:
        return base
    if isinstance(base, Fields) and isinstance(over, Fields):
        return _fields(base, over, mistakes, path)
    if isinstance(base, Listing) and isinstance(over, Listing):
        new = (item for item in over.items if name not in NO_REPEATS or not _is_among(item, base.items))
        return Listing((*base.items, *new), base.place, base.mark)
    if not isinstance(base, Scalar):
        mistakes.wrong(over.place, f"{path}: cannot be merged with what stands at {base.place}", "write both alike")
        return base
    return over


def _fields(base: Fields, over: Fields, mistakes: Mistakes, path: str) -> Fields:
    entries = dict(base.entries)
    for name, value in over.entries.items():
        entries[name] = merged(entries.get(name), value, mistakes, f"{path}.{name}")
    return Fields(entries, over.place, base.mark, {**base.places, **over.places})


def _is_among(item: Value, items: Iterable[Value]) -> bool:
    return isinstance(item, Scalar) and any(isinstance(one, Scalar) and one.text == item.text for one in items)


def settled(value: Fields) -> Fields:
    """Fields in the end: what was reset is gone, and no mark is left to act on anything else."""
    kept = {name: _settled(one) for name, one in value.entries.items() if one.mark is not Mark.RESET}
    return Fields(kept, value.place, Mark.NONE, value.places)


def _settled(value: Value) -> Value:
    if isinstance(value, Fields):
        return settled(value)
    return value if value.mark is Mark.NONE else replace(value, mark=Mark.NONE)
