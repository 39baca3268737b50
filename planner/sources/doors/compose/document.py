"""Turns one Compose file into the parts that builds depend on: services, includes, secrets; variables are filled in.

What containers do while they run (ports, volumes, commands) is not looked at. Paths become paths of the workspace.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

import yaml

from planner.errors import one_of
from planner.model.frozen import dataclass, replace
from planner.sources.doors.compose.mistakes import Mistakes
from planner.sources.doors.compose.template import Lookup, TemplateError, fill
from planner.sources.doors.compose.values import Fields, Listing, Mark, Scalar, Type, Value, Values, is_null
from planner.sources.yaml_nodes import Node, documents

SERVICE_FIELDS = ("image", "platform", "profiles", "build", "extends", "provider")
_TOP = ("services", "include", "secrets")
_REMOTE = ("https://", "http://", "git://", "ssh://", "github.com/", "git@")


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One document of a file. A service is what is said of it: fields, or nothing."""

    services: dict[str, Fields]
    secrets: dict[str, Fields]
    include: tuple[Value, ...] = ()


class Documents:
    """Reads files of one environment; paths in them are relative to `base`, a folder of the workspace."""

    def __init__(self, mistakes: Mistakes, lookup: Lookup, base: str) -> None:
        self.mistakes = mistakes
        self.lookup = lookup
        self.base = base
        self._looked_at: dict[str, str] = {}

    def read(self, data: bytes, file: str) -> tuple[Document, ...]:
        """The documents of a file. Raises DefinitionError for what is no YAML; other mistakes are kept."""
        reader, nodes = documents(data, file)
        self.mistakes.lines[file] = reader.lines
        found = tuple(self._document(Values(reader), node) for node in nodes)
        self.mistakes.found.extend(reader.mistakes)
        return found

    def _document(self, values: Values, node: Node) -> Document:
        top = {name: pair for name, pair in self._entries(values, node, "the file") if name in _TOP}
        services = {
            name: service
            for name, (_, value) in (self._entries(values, top["services"][1], "services") if "services" in top else ())
            if (service := self._service(values, name, value)) is not None
        }
        secrets: dict[str, Fields] = {}
        if "secrets" in top:
            for name, (_, value) in self._entries(values, top["secrets"][1], "secrets"):
                secret = self._filled(values.value(value), f"secrets.{name}")
                if isinstance(secret, Fields):
                    secrets[name] = _with(secret, "file", self._path)
        include = self._filled(values.value(top["include"][1]), "include") if "include" in top else None
        if include is not None and not isinstance(include, Listing):
            if not is_null(include):
                self.mistakes.wrong(include.place, "include: must be a list of files")
            include = None
        return Document(services=services, secrets=secrets, include=() if include is None else include.items)

    def _entries(self, values: Values, node: Node, path: str) -> list[tuple[str, tuple[Node, Node]]]:
        if not isinstance(node, yaml.MappingNode) and node.value not in ("", "~", "null"):
            self.mistakes.wrong(values.reader.span(node), f"{path}: must be a mapping of names to values")
        return list(dict(values.entries(node)).items())

    def _service(self, values: Values, name: str, node: Node) -> Fields | None:
        place = values.reader.span(node)
        if node.tag == Mark.RESET.value:
            return Fields({}, place, Mark.RESET)
        if not isinstance(node, yaml.MappingNode):
            self.mistakes.wrong(place, f"services.{name}: must be a mapping of names to values")
            return None
        entries: dict[str, Value] = {}
        places = {"": place}
        for field, (key, value) in dict(values.entries(node)).items():
            if field in SERVICE_FIELDS:
                entries[field] = self._field(self._filled(values.value(value), f"services.{name}.{field}"), name, field)
                places[field] = values.reader.span(key)
            elif (hint := self._meant(field)) != "":
                self.mistakes.wrong(values.reader.span(key), f'services.{name}: unknown field "{field}"', hint)
        mark = Mark.OVERRIDE if node.tag == Mark.OVERRIDE.value else Mark.NONE
        return Fields(entries, place, mark, places)

    def _meant(self, field: str) -> str:
        """A field that is near to one that is read would be a build that nobody sees."""
        if field not in self._looked_at:
            near = one_of(field, SERVICE_FIELDS) if abs(len(field) - 6) < 4 and field[:2] != "x-" else ""
            close = near and any(_is_one_edit(field, name) for name in SERVICE_FIELDS)
            self._looked_at[field] = near if close else ""
        return self._looked_at[field]

    def _filled(self, value: Value, path: str) -> Value:
        match value:
            case Scalar(text=text, type=Type.TEXT) if "$" in text:
                try:
                    return replace(value, text=fill(text, self.lookup))
                except TemplateError as error:
                    self.mistakes.wrong(value.place, f"{path}: {error.what}", error.hint)
                    return replace(value, text="")
            case Listing():
                kept = (item for item in value.items if item.mark is not Mark.RESET)
                return replace(value, items=tuple(self._filled(item, path) for item in kept))
            case Fields():
                filled = {name: self._filled(item, f"{path}.{name}") for name, item in value.entries.items()}
                return replace(value, entries=filled)
        return value

    def _field(self, value: Value, service: str, field: str) -> Value:
        """A field in the one form that merging knows."""
        if field == "extends" and isinstance(value, Scalar) and not is_null(value):
            return Fields({"service": value}, value.place, value.mark)
        if field == "extends" and isinstance(value, Fields):
            return _with(value, "file", self._place)
        if field != "build" or value.mark is Mark.RESET:
            return value
        if isinstance(value, Scalar) and value.type is Type.TEXT:
            value = Fields({"context": value}, value.place, value.mark, {"context": value.place})
        if not isinstance(value, Fields):
            if not is_null(value):
                self.mistakes.wrong(value.place, f"services.{service}.build: must be a folder or a mapping")
            return value
        path = f"services.{service}.build"
        value = _with(value, "context", self._place)
        for name in ("args", "labels", "additional_contexts", "ssh"):
            value = _with(value, name, lambda one, name=name: self._mapping(one, f"{path}.{name}"))  # type: ignore[misc]
        value = _with(value, "extra_hosts", self._hosts)
        value = _with(value, "additional_contexts", lambda one: _each(one, self._place))
        return _with(value, "ssh", lambda one: _each(one, self._path))

    def _mapping(self, value: Value, path: str) -> Value:
        """A list of `NAME=VALUE` as a mapping; a name alone has no value."""
        if isinstance(value, Fields) or value.mark is Mark.RESET:
            return value
        entries: dict[str, Value] = {}
        for item in value.items if isinstance(value, Listing) else ():
            if not isinstance(item, Scalar) or item.type is Type.NULL:
                self.mistakes.wrong(item.place, f"{path}: must be a list of NAME=VALUE")
                continue
            name, equals, rest = item.text.partition("=")
            entries[name] = Scalar(rest, Type.TEXT if equals else Type.NULL, item.place)
        if not isinstance(value, Listing):
            self.mistakes.wrong(value.place, f"{path}: must be a mapping or a list")
        return Fields(entries, value.place, value.mark)

    def _hosts(self, value: Value) -> Value:
        """Hosts as a list of `NAME=ADDRESS`."""
        if not isinstance(value, Fields):
            return value
        items: list[Value] = []
        for name, one in sorted(value.entries.items()):
            for address in one.items if isinstance(one, Listing) else (one,):
                text = address.text if isinstance(address, Scalar) else ""
                items.append(Scalar(f"{name}={text}", Type.TEXT, one.place))
        return Listing(tuple(items), value.place, value.mark)

    def _place(self, value: Value) -> Value:
        """A context: a path of the workspace, or left as it is where it is none."""
        if not isinstance(value, Scalar) or "://" in value.text or value.text.startswith(("service:", *_REMOTE)):
            return value
        return self._path(value)

    def _path(self, value: Value) -> Value:
        """A path below `base` as one of the workspace. It may lead out of it; who uses it must look."""
        if not isinstance(value, Scalar) or not value.text or value.type is Type.NULL:
            return value
        return replace(value, text=path_below(self.base, value.text, self.lookup))


def path_below(base: str, text: str, lookup: Lookup) -> str:
    """A path relative to a folder of the workspace as one of the workspace; absolute ones stay as they are."""
    if text.startswith("~"):
        text = posixpath.join(lookup("HOME") or "/", text[1:].lstrip("/"))
    return posixpath.normpath(posixpath.join(base, text))


def _with(fields: Fields, name: str, change: Callable[[Value], Value]) -> Fields:
    if name not in fields.entries:
        return fields
    return replace(fields, entries={**fields.entries, name: change(fields.entries[name])})


def _each(value: Value, change: Callable[[Value], Value]) -> Value:
    if not isinstance(value, Fields):
        return value
    return replace(value, entries={name: change(one) for name, one in value.entries.items()})


def _is_one_edit(one: str, other: str) -> bool:
    """Whether one name is the other with a letter too many, too few, wrong, or two exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    head = next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
    rests = one[head:], other[head:]
    return (
        rests[0][1:] == rests[1][1:]
        or rests[0][1:] == rests[1]
        or rests[0] == rests[1][1:]
        or (rests[0][:2] == rests[1][1::-1] and rests[0][2:] == rests[1][2:])
    )
