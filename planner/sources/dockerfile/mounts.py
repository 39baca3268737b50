"""Reads the value of `RUN --mount=` (`parseMount` of BuildKit's instructions, v0.32.2)."""

from __future__ import annotations

import csv

from planner.errors import one_of
from planner.sources.dockerfile.flags import Refused
from planner.sources.dockerfile.syntax import Mount

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SWITCHES = frozenset({"readonly", "ro", "rw", "readwrite", "required"})
KEYS = (
    "type", "from", "source", "src", "target", "dst", "destination", "id", "env", "size", "mode", "uid", "gid",
    "sharing", *sorted(SWITCHES),
)  # fmt: skip


def parse_mount(text: str) -> Mount:
    """Read one mount. Raises Refused for a key or type that BuildKit does not know."""
    fields: dict[str, str] = {}
    for cell in _cells(text):
        name, equals, value = cell.partition("=")
        name = name.strip().lower()
        if name not in KEYS:
            raise Refused(f'a mount has no key "{name}"', one_of(name, KEYS))
        if not equals and name not in SWITCHES:
            raise Refused(f"the mount's key {name} needs a value")
        fields[name] = value
    kind = fields.get("type", "bind")
    if kind not in TYPES and "$" not in kind:
        raise Refused(f'a mount has no type "{kind}"', one_of(kind, TYPES))
    return Mount(
        type=kind,
        from_=fields.get("from", ""),
        source=fields.get("source", fields.get("src", "")),
        target=fields.get("target", fields.get("dst", fields.get("destination", ""))),
        id=fields.get("id", ""),
        text=",".join(f"{name}={value}" for name, value in sorted(fields.items())),
    )


def _cells(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise Refused(f"the mount is no list of key=value: {error}") from error
    return rows[0] if rows else []
