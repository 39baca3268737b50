"""Small readers of a policy's YAML nodes, which its sections share: a mapping, a text, a list, a choice, levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.errors import one_of
from planner.policy.levels import Level
from planner.sources.yaml_nodes import Node, Reader

Entries = Mapping[str, tuple[Node, Node]]


def inside(reader: Reader, entries: Entries, name: str, path: str, known: Sequence[str] = ()) -> Entries:
    """The fields of a mapping that is a field; none where it is not there."""
    return reader.fields(entries[name][1], path, known) if name in entries else {}


def text_of(reader: Reader, entries: Entries, name: str, path: str, default: str = "") -> str:
    """A field that is a text."""
    if name not in entries:
        return default
    return reader.text(entries[name][1], f"{path}.{name}") or default


def listed(reader: Reader, entries: Entries, name: str, path: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """A field that is a list of texts; `path` ends in a dot, or is empty."""
    if name not in entries:
        return default
    where = f"{path}{name}"
    return tuple(text for item in reader.items(entries[name][1], where) if (text := reader.text(item, where)))


def choice(reader: Reader, fields: Entries, name: str, path: str, known: Sequence[str]) -> str:
    """A field that is one of the known words; "" and a mistake where it is not."""
    text = text_of(reader, fields, name, path)
    if text in known:
        return text
    hint = one_of(text, known)
    reader.wrong(fields[name][1], f"{path}.{name}: is one of {', '.join(known)}", hint)
    return ""


def choices(reader: Reader, fields: Entries, name: str, path: str, known: Sequence[str]) -> tuple[str, ...]:
    """A field that is a list of known words."""
    found: list[str] = []
    for item in reader.items(fields[name][1], f"{path}.{name}") if name in fields else ():
        text = reader.text(item, f"{path}.{name}") or ""
        if text in known:
            found.append(text)
        else:
            reader.wrong(item, f'{path}.{name}: "{text}" is none of {", ".join(known)}', one_of(text, known))
    return tuple(dict.fromkeys(found))


def levels_of(reader: Reader, fields: Entries, name: str, path: str) -> tuple[Level, ...]:
    """A field that is a list of levels."""
    found: list[Level] = []
    if name not in fields:
        return ()
    for item in reader.items(fields[name][1], f"{path}.{name}"):
        text = reader.text(item, f"{path}.{name}")
        if text in list(Level):
            found.append(Level(text))
        elif text is not None:
            hint = one_of(text, list(Level)) or f"levels are {', '.join(Level)}"
            reader.wrong(item, f'{path}.{name}: "{text}" is no level', hint)
    return tuple(found)
