"""Functions on lists, sets, maps and objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.number import whole
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.values import (
    ANY,
    MAX_WEIGHT,
    NUMBER,
    STRING,
    List,
    Map,
    Set,
    Value,
    convert,
    equal,
    identity,
    is_number,
    named,
    set_of,
    type_of,
    unify,
)

_STRINGS = ("list", STRING)
_ANYTHING = ("list", ANY)
_SET = ("set", ANY)


def _sequence(value: Value) -> Sequence[Value]:
    if not isinstance(value, tuple) or isinstance(value, Set):
        raise Wrong(f"needs a list or a tuple, not {named(value)}")
    return value


def _mapping(value: Value) -> Mapping[str, Value]:
    if not isinstance(value, dict):
        raise Wrong(f"needs a map or an object, not {named(value)}")
    return value


def _alike(value: Value, items: Sequence[Value]) -> Value:
    """The items as the kind of sequence that the value is."""
    return List(items) if isinstance(value, List | Set) else tuple(items)


def _hasindex(found: Value, key: Value) -> bool:
    if isinstance(found, Map):
        return isinstance(key, str) and key in found
    return is_number(key) and isinstance(key, int) and 0 <= key < len(_sequence(found))


def _index(found: Value, key: Value) -> Value:
    if not _hasindex(found, key):
        raise Wrong("there is no such element")
    return found[key]


def _length(found: Value) -> int:
    if not isinstance(found, tuple | Map):
        raise Wrong(f"needs a list, a set, a tuple or a map, not {named(found)}")
    return len(found)


def _element(found: Value, index: Value) -> Value:
    items = _sequence(found)
    if not items:
        raise Wrong("the list is empty")
    return items[whole(index) % len(items)]


def _coalesce(*values: Value) -> Value:
    kind = unify([type_of(value) for value in values])
    if kind is None:
        raise Wrong("all arguments must have the same type")
    for value in values:
        if value is not None:
            return convert(value, kind)
    raise Wrong("there is no argument that is not null")


def _coalescelist(*values: Value) -> Value:
    for value in values:
        if value is not None and len(_sequence(value)) > 0:
            return value
    raise Wrong("there is no list that is not empty")


def _compact(items: Value) -> Value:
    return List(item for item in items if item)


def _contains(found: Value, item: Value) -> bool:
    if not isinstance(found, tuple):
        raise Wrong(f"needs a list, a set or a tuple, not {named(found)}")
    return any(equal(item, one) for one in found)


def _indexof(found: Value, item: Value) -> int:
    for number, one in enumerate(_sequence(found)):
        if equal(item, one):
            return number
    raise Wrong("the list does not hold it")


def _distinct(items: Value) -> Value:
    found: dict[object, Value] = {}
    for item in items:
        found.setdefault(identity(item), item)
    return List(found.values())


def _chunklist(items: Value, size: Value) -> Value:
    count = whole(size)
    if count < 0:
        raise Wrong("the size is negative")
    if not items:
        return List()
    return List(List(items[at : at + count]) for at in range(0, len(items), count)) if count else List([items])


def _flatten(found: Value) -> Value:
    if not isinstance(found, tuple):
        raise Wrong(f"needs a list, a set or a tuple, not {named(found)}")
    made: list[Value] = []
    waiting = list(reversed(found))
    while waiting:
        item = waiting.pop()
        if isinstance(item, tuple):
            waiting.extend(reversed(item))
        else:
            made.append(item)
        if len(made) + len(waiting) > MAX_WEIGHT:
            raise TooMuch(f"a value is made of more than {MAX_WEIGHT} values")
    return tuple(made)


def _keys(found: Value) -> Value:
    names = sorted(_mapping(found))
    return List(names) if isinstance(found, Map) else tuple(names)


def _values(found: Value) -> Value:
    items = [item for _, item in sorted(_mapping(found).items())]
    return List(items) if isinstance(found, Map) else tuple(items)


def _lookup(found: Value, key: str, default: Value) -> Value:
    if key in _mapping(found):
        return found[key]
    if isinstance(found, Map):
        kind = unify([type_of(item) for item in found.values()])
        return convert(default, kind)
    return default


def _merge(*maps: Value) -> Value:
    made: dict[str, Value] = {}
    for found in maps:
        if found is not None:
            made.update(_mapping(found))
    kinds = [type_of(found) for found in maps]
    all_maps = bool(kinds) and all(isinstance(found, Map) for found in maps) and kinds.count(kinds[0]) == len(kinds)
    return Map(made) if all_maps else made


def _reverselist(found: Value) -> Value:
    if not isinstance(found, tuple):
        raise Wrong(f"needs a list or a tuple, not {named(found)}")
    return _alike(found, tuple(reversed(found)))


def _setproduct(*sets: Value) -> Value:
    if len(sets) < 2:
        raise Wrong("needs at least two sets")
    total = 1
    axes: list[Sequence[Value]] = []
    for found in sets:
        if not isinstance(found, tuple):
            raise Wrong(f"needs sets or lists, not {named(found)}")
        kind = unify([type_of(item) for item in found])
        if kind is None:
            raise Wrong("all elements of a list must have the same type")
        total *= len(found)
        if total * len(sets) > MAX_WEIGHT:
            raise TooMuch(f"a value is made of more than {MAX_WEIGHT} values")
        axes.append([convert(item, kind) for item in found])
    made: list[tuple[Value, ...]] = [()]
    for axis in axes:
        made = [(*one, item) for one in made for item in axis]
    return set_of(made) if any(isinstance(found, Set) for found in sets) else List(made)


def _slice(found: Value, start: Value, end: Value) -> Value:
    items = _sequence(found)
    first, last = whole(start), whole(end)
    if not 0 <= first <= last <= len(items):
        raise Wrong(f"there is no such part of {len(items)} elements")
    return _alike(found, items[first:last])


def _zipmap(keys: Value, values: Value) -> Value:
    items = _sequence(values)
    if len(keys) != len(items) or None in keys:
        raise Wrong("needs as many values as keys, and no key that is null")
    made = dict(zip(keys, items, strict=True))
    return Map(made) if isinstance(values, List) else made


def _concat(*lists: Value) -> Value:
    if not lists:
        raise Wrong("needs at least one list")
    made = [item for found in lists for item in _sequence(found)]
    if all(isinstance(found, List) for found in lists):
        kind = unify([type_of(found) for found in lists])
        if kind is not None:
            return convert(List(made), kind)
    return tuple(made)


def _on_sets(rule: Callable[[set[object], set[object]], set[object]]) -> Callable[..., Value]:
    def run(*sets: Value) -> Value:
        kind = unify([type_of(found) for found in sets])
        if kind is None:
            raise Wrong("all sets must have elements of the same type")
        converted = [convert(found, kind) for found in sets]
        known = {identity(item): item for found in converted for item in found}
        left: set[object] = {identity(item) for item in converted[0]}
        for found in converted[1:]:
            left = rule(left, {identity(item) for item in found})
        return set_of(known[key] for key in left)

    return run


def _sethaselement(found: Value, item: Value) -> bool:
    return any(equal(item, one) for one in found)


FUNCTIONS: Mapping[str, Function] = {
    "hasindex": Function(_hasindex, (ANY, ANY)),
    "index": Function(_index, (ANY, ANY)),
    "length": Function(_length, (ANY,)),
    "element": Function(_element, (ANY, NUMBER)),
    "coalesce": Function(_coalesce, (), ANY, nulls=True),
    "coalescelist": Function(_coalescelist, (), ANY, nulls=True),
    "compact": Function(_compact, (_STRINGS,)),
    "contains": Function(_contains, (ANY, ANY)),
    "indexof": Function(_indexof, (ANY, ANY)),
    "distinct": Function(_distinct, (_ANYTHING,)),
    "chunklist": Function(_chunklist, (_ANYTHING, NUMBER)),
    "flatten": Function(_flatten, (ANY,)),
    "keys": Function(_keys, (ANY,)),
    "values": Function(_values, (ANY,)),
    "lookup": Function(_lookup, (ANY, STRING, ANY)),
    "merge": Function(_merge, (), ANY, nulls=True),
    "reverselist": Function(_reverselist, (ANY,)),
    "setproduct": Function(_setproduct, (), ANY),
    "slice": Function(_slice, (ANY, NUMBER, NUMBER)),
    "zipmap": Function(_zipmap, (_STRINGS, ANY)),
    "concat": Function(_concat, (), ANY),
    "setunion": Function(_on_sets(set.union), (_SET,), _SET),
    "setintersection": Function(_on_sets(set.intersection), (_SET,), _SET),
    "setsubtract": Function(_on_sets(set.difference), (_SET, _SET)),
    "setsymmetricdifference": Function(_on_sets(set.symmetric_difference), (_SET,), _SET),
    "sethaselement": Function(_sethaselement, (_SET, ANY)),
}
"""By the name that a file calls them with."""
