"""The overrides of `--set`: `TARGETPATTERN.KEY[.SUBKEY]=VALUE`, and what they make of a target's attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from planner.sources.doors.bake import flags
from planner.sources.doors.bake.fields import RESOURCES, Fields, by_id, without_equals
from planner.sources.doors.bake.number import parsed, whole
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import BOOL, List, Map, Value
from planner.sources.doors.bake.variables import primitive
from planner.sources.go_match import BadPattern, matches

_LISTED = (
    "output", "cache-to", "cache-from", "tags", "platform", "secrets", "ssh", "attest", "entitlements", "network",
    "annotations", "policy",
)  # fmt: skip
_NAMED = ("args", "contexts", "labels", "extra-hosts", "resources", "secret")


@dataclass(slots=True)
class Override:
    """What is set for one key of one target."""

    value: str = ""
    values: tuple[str, ...] = ()
    add: bool = False


Overrides = dict[str, dict[str, Override]]
"""By target and by key."""


def read_overrides(sets: Sequence[str], targets: Sequence[str], environment: Mapping[str, str]) -> Overrides:
    """The overrides of a command line. Raises Wrong."""
    found: Overrides = {}
    for text in sets:
        key, equals, value = text.partition("=")
        add = key.endswith("+")
        pattern, *keys = key.removesuffix("+").split(".", 2)
        if not keys or (not equals and keys[0] != "args"):
            raise Wrong(f"--set {text}: write it as TARGET.KEY=VALUE")
        if keys[0] in ("args", "contexts", "resources", "secret") and len(keys) < 2:
            raise Wrong(f"--set {text}: {keys[0]} needs a name, TARGET.{keys[0]}.NAME=VALUE")
        if not equals:
            if keys[1] not in environment:
                continue
            value = environment[keys[1]]
        for name in _expanded(pattern, targets, text):
            override = found.setdefault(name, {}).setdefault(".".join(keys), Override())
            if keys[0] in _LISTED:
                override.add = add
                override.values = (*override.values, value)
            else:
                override.value = value
    return found


def _expanded(pattern: str, targets: Sequence[str], text: str) -> list[str]:
    if pattern in targets:
        return [pattern]
    try:
        names = [name for name in targets if matches(pattern, name)]
    except BadPattern as error:
        raise Wrong(f"--set {text}: {pattern} is no pattern") from error
    if not names:
        raise Wrong(f"--set {text}: no target matches {pattern}")
    return names


def laid_over(fields: Fields, overrides: Mapping[str, Override]) -> dict[str, Value]:
    """A target's attributes with overrides. Raises Wrong."""
    made = dict(fields)
    for key, override in overrides.items():
        name, _, below = key.partition(".")
        try:
            _apply(made, name, below, override)
        except Wrong as error:
            raise Wrong(f"--set {key}: {error.what}") from error
    return made


def _apply(made: dict[str, Value], name: str, below: str, override: Override) -> None:
    if name in _NAMED and not below:
        raise Wrong(f"{name} needs a name")
    if name in ("context", "dockerfile", "target", "call", "shm-size", "network"):
        # Bake collects `network` as a list and then takes the plain value, which stays empty.
        made[name] = override.value
    elif name in ("args", "labels", "contexts", "extra-hosts"):
        made[name] = Map({**made.get(name, {}), below: override.value})
    elif name in ("tags", "platform", "no-cache-filter", "ulimits"):
        target = "platforms" if name == "platform" else name
        made[target] = List((*(made.get(target, ()) if override.add else ()), *override.values))
    elif name in ("entitlements", "annotations"):
        made[name] = List((*made.get(name, ()), *override.values))
    elif name in ("no-cache", "pull"):
        made[name] = primitive(override.value, BOOL)
    elif name == "resources":
        made[name] = {**dict.fromkeys(RESOURCES), **made.get(name, {}), below: _resource(below, override.value)}
    elif name == "secret":
        made["secret"] = _secret(made.get("secret", ()), below, override.value)
    elif name in ("push", "load"):
        if primitive(override.value, BOOL) or name == "push":
            made["output"] = _sent(made.get("output", ()), name, primitive(override.value, BOOL))
    elif name in _ENTRIES:
        _entries(made, name, override)
    else:
        raise Wrong(f"{name} is no key that can be set")


_ENTRIES: Mapping[str, tuple[str, Callable[[Value], Value]]] = {
    "policy": ("policy", flags.policies),
    "cache-from": ("cache-from", flags.caches),
    "cache-to": ("cache-to", flags.caches),
    "secrets": ("secret", flags.secrets),
    "ssh": ("ssh", flags.ssh_keys),
    "output": ("output", flags.exports),
    "attest": ("attest", flags.attests),
}


def _entries(made: dict[str, Value], name: str, override: Override) -> None:
    target, read = _ENTRIES[name]
    entries = read(List(override.values))
    before = made.get(target, ()) if override.add or name == "attest" else ()
    if target in ("secret", "ssh", "attest") and before:
        made[target] = by_id((*before, *entries), "type" if target == "attest" else "id")
    elif before and target != "policy":
        made[target] = without_equals((*before, *entries))
    else:
        made[target] = List((*before, *entries))


def _resource(name: str, value: str) -> Value:
    if name not in RESOURCES:
        raise Wrong(f'there is no resource "{name}"')
    return whole(parsed(value)) if name.startswith("cpu-") else value


def _secret(secrets: Sequence[flags.Entry], name: str, value: str) -> Value:
    if not any(one["id"] == name for one in secrets):
        raise Wrong(f'secret "{name}" is not declared')
    following = flags.secret_entry(value)
    if following["id"] not in ("", name):
        raise Wrong(f'the value names another secret, "{following["id"]}"')
    first = next(number for number, one in enumerate(secrets) if one["id"] == name)
    return List({**following, "id": name} if number == first else one for number, one in enumerate(secrets))


def _sent(outputs: Sequence[flags.Entry], name: str, wanted: bool) -> Value:
    """What `push` and `load` make of the outputs."""
    if name == "load":
        for one in outputs:
            if one["type"] == "docker" and "dest" not in one:
                return List(outputs)
            if one["type"] not in ("docker", "image", "registry", "oci"):
                return List(outputs)
        return List((*outputs, {"type": "docker"}))
    if wanted:
        adds = all(one["type"] == "docker" for one in outputs)
        pushed = [{**one, "push": "true"} if one["type"] == "image" else one for one in outputs]
        return List((*pushed, {"type": "image", "push": "true"}) if adds else pushed)
    kept = list(outputs)
    at = 0
    while at < len(kept):
        if kept[at]["type"] == "registry":
            kept[at] = kept[-1]
            kept.pop()
            continue
        if kept[at]["type"] == "image":
            kept[at] = {**kept[at], "push": "false"}
        at += 1
    return List(kept)
