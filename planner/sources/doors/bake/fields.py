"""The attributes of targets and groups: how each is read from a value, and how one is laid over another.

The order and the rules are those of `bake.Target` in buildx v0.36.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.sources.doors.bake import flags
from planner.sources.doors.bake.number import whole
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import BOOL, NUMBER, STRING, List, Map, Value, convert

Decode = Callable[[Value], Value]
Fields = Mapping[str, Value]
"""The attributes of a target that are given, as values of HCL."""


def _text(value: Value) -> Value:
    return convert(value, STRING)


def _texts(value: Value) -> Value:
    found = convert(value, ("list", STRING))
    if found is not None and None in found:
        raise Wrong("an element is null")
    return found


def _flag(value: Value) -> Value:
    return convert(value, BOOL)


def _named(value: Value) -> Value:
    return convert(value, ("map", STRING))


def _contexts(value: Value) -> Value:
    found = _named(value)
    if found is not None and None in found.values():
        raise Wrong("a context is null")
    return found


def _unless_null(read: Decode) -> Decode:
    return lambda value: None if value is None else read(value)


RESOURCES = {
    "memory": STRING, "memory-swap": STRING, "cpu-shares": NUMBER, "cpu-period": NUMBER, "cpu-quota": NUMBER,
    "cpuset-cpus": STRING, "cpuset-mems": STRING,
}  # fmt: skip


def _resources(value: Value) -> Value:
    found = convert(value, ("object", {name: (kind, True, None) for name, kind in RESOURCES.items()}))
    for name, kind in RESOURCES.items():
        if kind == NUMBER and found[name] is not None:
            whole(found[name])
    return found


ENTRIES: Mapping[str, Decode] = {
    "attest": _unless_null(flags.attests),
    "cache-from": _unless_null(flags.caches),
    "cache-to": _unless_null(flags.caches),
    "secret": _unless_null(flags.secrets),
    "ssh": _unless_null(flags.ssh_keys),
    "output": _unless_null(flags.exports),
    "policy": _unless_null(flags.policies),
}
TARGET: Mapping[str, Decode] = {
    "description": _text, "inherits": _texts, "annotations": _texts, "context": _text, "contexts": _contexts,
    "dockerfile": _text, "dockerfile-inline": _text, "args": _named, "labels": _named, "tags": _texts,
    "target": _text, "platforms": _texts, "pull": _flag, "no-cache": _flag, "network": _text,
    "no-cache-filter": _texts, "shm-size": _text, "ulimits": _texts, "resources": _unless_null(_resources),
    "call": _text, "entitlements": _texts, "extra-hosts": _named, **ENTRIES,
}  # fmt: skip
GROUP: Mapping[str, Decode] = {"description": _text, "targets": _texts}
FIELDS: Mapping[str, Mapping[str, Decode]] = {"target": TARGET, "group": GROUP}
"""The attributes that Bake knows, by the kind of block; `name` and `matrix` are read before a block is."""
NAMING = ("name", "matrix")


def blank(kind: str) -> dict[str, Value]:
    """What expressions see of a block that gives nothing."""
    found: dict[str, Value] = dict.fromkeys(FIELDS[kind])
    found["description"] = ""
    found.update({name: List() for name in ENTRIES if name in found})
    return found


_ADDED = ("annotations", "no-cache-filter", "ulimits", "entitlements", "inherits", "policy")
_BY_NAME = ("args", "labels", "contexts", "extra-hosts")
_IDS: Mapping[str, str] = {"attest": "type", "secret": "id", "ssh": "id"}
_EQUAL = ("cache-from", "cache-to", "output")


def merged(below: Fields, above: Fields) -> dict[str, Value]:
    """Attributes laid over others: some replace what is below, some are added to it, some by name."""
    made = dict(below)
    for name, value in above.items():
        if value is None or (name == "description" and not value):
            continue
        if name in _BY_NAME:
            # A null takes nothing away: Bake leaves it out.
            made[name] = Map({**made.get(name, {}), **{key: one for key, one in value.items() if one is not None}})
        elif name in _ADDED:
            made[name] = List((*made.get(name, ()), *value))
        elif name in _IDS:
            made[name] = by_id((*made.get(name, ()), *value), _IDS[name])
        elif name == "cache-from":
            made[name] = without_equals((*made.get(name, ()), *value))
        elif name == "resources":
            made[name] = {**made.get(name, {}), **{key: one for key, one in value.items() if one is not None}}
        else:
            made[name] = value
    return made


def by_id(entries: tuple[Any, ...], name: str) -> Value:
    """Entries with different ids: a later one takes the place of an earlier one."""
    found: dict[Any, Any] = {}
    for entry in entries:
        found[entry[name]] = entry
    return List(found.values())


def without_equals(entries: tuple[Any, ...]) -> Value:
    """Entries without equal ones, in the order that buildx leaves them in: the last one fills a gap."""
    found = list(entries)
    for at in range(len(found) - 2, -1, -1):
        if at >= len(found):
            continue
        again = next((other for other in range(at + 1, len(found)) if found[other] == found[at]), None)
        if again is not None:
            found[again] = found[-1]
            found.pop()
    return List(found)


def normal(fields: Fields) -> dict[str, Value]:
    """The attributes without repetitions and empty entries."""
    made = dict(fields)
    for name in ("annotations", "tags", "platforms", "no-cache-filter", "ulimits"):
        if name in made:
            made[name] = List(dict.fromkeys(text for text in made[name] if text))
    for name, key in _IDS.items():
        if name in made:
            made[name] = by_id(made[name], key)
    for name in _EQUAL:
        if name in made:
            made[name] = without_equals(made[name])
    entitlements = list(made.get("entitlements", ()))
    if made.get("network") == "host":
        entitlements.append("network.host")
    made["entitlements"] = List(dict.fromkeys(text for text in entitlements if text))
    if "contexts" in made:
        made["contexts"] = Map({key: value for key, value in made["contexts"].items() if value})
    return made
