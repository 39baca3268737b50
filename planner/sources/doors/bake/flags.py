"""Reads the entries that Bake takes as texts or as objects: caches, outputs, secrets, ssh keys, attestations, policies.

Each entry is one mapping of texts, as `util/buildflags` of buildx v0.36.1 reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import STRING, List, Value, convert
from planner.sources.doors.bake.variables import fields_of, primitive

Entry = Mapping[str, Value]
LEVELS = ("panic", "fatal", "error", "warn", "warning", "info", "debug", "trace")


def _pairs(text: str, *, lower: bool = True) -> list[tuple[str, str]]:
    found = []
    for field in fields_of(text):
        name, equals, value = field.partition("=")
        if not equals:
            raise Wrong(f'"{field[:60]}" is no NAME=VALUE')
        found.append((name.lower() if lower else name, value))
    return found


def _typed(entry: dict[str, str], what: str) -> Entry:
    if not entry.get("type"):
        raise Wrong(f"{what} has no type")
    return entry


def cache_entries(text: str) -> list[Entry]:
    """The cache entries of one text; a text without `=` names registries. Raises Wrong."""
    if "=" not in text:
        return [{"type": "registry", "ref": field} for field in fields_of(text)]
    return [_typed(dict(_pairs(text)), "a cache entry")]


def export_entry(text: str) -> Entry:
    """An output. Raises Wrong."""
    fields = fields_of(text)
    if len(fields) == 1 and fields[0] == text and not text.startswith("type="):
        return {"type": "tar" if text == "-" else "local", "dest": text}
    return _typed({name.strip(): value for name, value in _pairs(text)}, "an output")


def secret_entry(text: str) -> Entry:
    """A secret: `id`, `src` and `env`, "" where it is not given. Raises Wrong."""
    entry = {"id": "", "src": "", "env": ""}
    kind = ""
    for name, value in _pairs(text):
        if name == "type":
            if value not in ("file", "env"):
                raise Wrong(f'a secret has no type "{value[:60]}"')
            kind = value
        elif name in ("source", "src"):
            entry["src"] = value
        elif name in entry:
            entry[name] = value
        else:
            raise Wrong(f'a secret has no "{name[:60]}"')
    if kind == "env" and not entry["env"]:
        entry["env"], entry["src"] = entry["src"], ""
    return entry


def ssh_entry(text: str) -> Entry:
    """An ssh agent or key: its id and paths."""
    name, equals, paths = text.partition("=")
    return {"id": name, "paths": List(paths.split(",") if equals else ())}


def attest_entry(text: str) -> Entry:
    """An attestation; `disabled` is "true" where it is. Raises Wrong."""
    entry: dict[str, str] = {}
    for name, value in _pairs(text, lower=False):
        key = name.lower().strip()
        entry[key if key in ("type", "disabled") else name] = value
    return _disabled(_typed(entry, "an attestation"))


def _disabled(entry: Mapping[str, str]) -> Entry:
    if "disabled" not in entry:
        return entry
    rest = {name: value for name, value in entry.items() if name != "disabled"}
    return {**rest, "disabled": "true"} if primitive(entry["disabled"], "bool") else rest


def policy_entry(text: str) -> Entry:
    """A policy, with the names of its fields as buildx prints them. Raises Wrong."""
    return _policy(_pairs(text))


def _policy(pairs: Sequence[tuple[str, str]]) -> Entry:
    files: list[str] = []
    entry: dict[str, Value] = {}
    for name, value in pairs:
        name = name.strip()
        if name == "filename" and value:
            files.append(value)
        elif name in ("reset", "disabled", "strict"):
            entry[name] = primitive(value, "bool")
        elif name == "log-level" and value.lower() in LEVELS:
            entry[name] = value.lower()
        else:
            raise Wrong(f'a policy has no "{name[:60]}={value[:60]}"')
    return {**entry, "files": List(files)}


def _texts(value: Value) -> dict[str, str]:
    found = convert(value, ("map", STRING))
    if not isinstance(found, dict) or None in found.values():
        raise Wrong("an entry is a text, or an object of texts")
    return dict(found)


def _export_of(value: Value) -> Entry:
    return _typed(_texts(value), "an output")


def _cache_of(value: Value) -> Entry:
    return _typed(_texts(value), "a cache entry")


def _attest_of(value: Value) -> Entry:
    return _disabled({"type": "", **_texts(value)})


def _secret_of(value: Value) -> Entry:
    known = dict.fromkeys(("id", "src", "env"), (STRING, True, None))
    found = convert(value, ("object", known))
    return {name: found[name] or "" for name in known}


def _ssh_of(value: Value) -> Entry:
    known = {"id": (STRING, True, None), "paths": (("list", STRING), True, None)}
    found = convert(value, ("object", known))
    return {"id": found["id"] or "", "paths": found["paths"] or List()}


def _policy_of(value: Value) -> Entry:
    return _policy(sorted((name, text) for name, text in _texts(value).items() if text))


def _listed(from_text: Callable[[str], Entry], from_object: Callable[[Value], Entry]) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        return List(entry for item in _items(value) for entry in [_one(item, from_text, from_object)])

    return read


def _items(value: Value) -> list[Value]:
    if not isinstance(value, tuple):
        raise Wrong("a list is required")
    return [item for item in value if item != ""]


def _one(item: Value, from_text: Callable[[str], Entry], from_object: Callable[[Value], Entry]) -> Entry:
    if item is None:
        raise Wrong("an entry is null")
    return from_text(item) if isinstance(item, str) else from_object(item)


def caches(value: Value) -> Value:
    """The cache entries of a setting. Raises Wrong."""
    found: list[Entry] = []
    for item in _items(value):
        found.extend(cache_entries(item) if isinstance(item, str) else [_one(item, secret_entry, _cache_of)])
    return List(found)


exports = _listed(export_entry, _export_of)
secrets = _listed(secret_entry, _secret_of)
ssh_keys = _listed(ssh_entry, _ssh_of)
attests = _listed(attest_entry, _attest_of)
policies = _listed(policy_entry, _policy_of)
