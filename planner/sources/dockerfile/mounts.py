"""Reads the value of `RUN --mount=…`: comma-separated `key=value`, quoted as in CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from planner.errors import one_of
from planner.sources.dockerfile.refusal import Refused, shown
from planner.sources.dockerfile.syntax import Mount

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_SWITCHES = {"readonly": "readonly", "ro": "readonly", "readwrite": "readwrite", "rw": "readwrite"}
_NAMES = {"src": "source", "dst": "target", "destination": "target", **_SWITCHES}
_OPPOSITE = {"readonly": "readwrite", "readwrite": "readonly"}
_WITH_VALUE = ("type", "from", "source", "target", "id", "sharing", "size", "mode", "uid", "gid", "env")
_KEYS = (*_WITH_VALUE, "required", *_NAMES)


def mount(value: str) -> tuple[Mount, tuple[str, ...]]:
    """The mount, and those of its keys and types that BuildKit v0.32.2 does not have. Raises Refused.

    Values are kept as written, to be expanded one by one. `fields` has every key by its long name, in order of names.
    """
    fields = _named(csv_fields(value))
    type_ = fields.get("type", "bind")
    read = Mount(
        type=type_ if "$" in type_ else type_.lower(),
        from_=fields.get("from", ""),
        source=fields.get("source", ""),
        target=fields.get("target", ""),
        id=fields.get("id", ""),
        fields=tuple(sorted(fields.items())),
    )
    if "$" in read.from_[:-1]:
        hint = "name a stage with FROM … AS, using a global ARG, and mount from that stage"
        raise Refused(f'BuildKit expands no variable in from="{shown(read.from_)}" of a mount', hint=hint)
    strange = [_strange("key", name, _KEYS) for name in fields if name not in _KEYS]
    if read.type not in TYPES and "$" not in read.type:
        strange.append(_strange("type", read.type, TYPES))
    return read, tuple(strange)


def _named(cells: Iterable[str]) -> dict[str, str]:
    """Values by the long name of their key; of two that mean the same or the opposite the later one stays."""
    fields: dict[str, str] = {}
    for cell in cells:
        written, equals, given = cell.partition("=")
        name = _NAMES.get(written.lower(), written.lower())
        if not equals and name in _WITH_VALUE:
            raise Refused(f"the mount's key {name} needs a value", hint=f"write {name}=VALUE")
        fields.pop(_OPPOSITE.get(name, ""), None)
        fields[name] = given if equals else "true"
    return fields


def _strange(what: str, name: str, known: Sequence[str]) -> str:
    """A key or type that is not known: refused where it looks like a slip, else named, as a newer BuildKit's."""
    near = one_of(name[:20], known)
    if near:
        raise Refused(f'a mount has no {what} "{shown(name)}"', hint=near)
    return f"{what} {shown(name)}"


def csv_fields(line: str) -> tuple[str, ...]:
    """The fields of one line of CSV. Raises Refused."""
    if not line:
        raise Refused("an empty list of key=value")
    return tuple(_fields(line))


def _fields(line: str) -> Iterator[str]:
    at = 0
    while True:
        end = line.find(",", at)
        end = len(line) if end < 0 else end
        field = line[at:end]
        if field.startswith('"'):
            field, end = _quoted(line, at + 1)
        elif '"' in field:
            raise Refused(f"a quote inside {shown(field)}", hint="put the quotes around the whole key=value")
        yield field
        if end == len(line):
            return
        at = end + 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    """A field whose opening quote stands before `at`, and where it ends; `""` in it is one quote."""
    parts = []
    while True:
        end = line.find('"', at)
        if end < 0:
            raise Refused(f"a quote without its end in {shown(line)}")
        parts.append(line[at:end])
        following = line[end + 1 : end + 2]
        if following in ("", ","):
            return "".join(parts), end + 1
        if following != '"':
            raise Refused(f"text after a closing quote in {shown(line)}")
        parts.append('"')
        at = end + 2
