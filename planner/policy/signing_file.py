"""Reads the section `signing:` of a policy file."""

from __future__ import annotations

import base64
import binascii
import datetime

from planner.policy.fields import Entries, choices, inside, text_of
from planner.policy.scopes import SCOPES
from planner.policy.signing import REQUIRED, PublicKey, Signing
from planner.sources.yaml_nodes import Node, Reader

LENGTH = 32
"""Bytes of a public Ed25519 key."""


def signing_of(reader: Reader, top: Entries) -> Signing | None:
    """What the section says, None where there is none."""
    if "signing" not in top:
        return None
    fields = inside(reader, top, "signing", "signing", ("require", "keys"))
    keys: list[PublicKey] = []
    for name, (key, node) in inside(reader, fields, "keys", "signing.keys").items():
        path = f"signing.keys.{name}"
        entries = reader.fields(node, path, ("public", "scopes", "not_after"))
        scopes = choices(reader, entries, "scopes", path, SCOPES)
        if not scopes:
            reader.wrong(key, f"{path}: signs for no scope", "scopes: [main]")
        keys.append(
            PublicKey(
                name=name,
                public=_public(reader, entries, path, key),
                scopes=scopes,
                not_after=_not_after(reader, entries, path),
            )
        )
    required = choices(reader, fields, "require", "signing", SCOPES) if "require" in fields else REQUIRED
    return Signing(keys=tuple(keys), required=required)


def _public(reader: Reader, entries: Entries, path: str, key: Node) -> bytes:
    text = text_of(reader, entries, "public", path)
    where = entries["public"][1] if "public" in entries else key
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != LENGTH:
        reader.wrong(where, f"{path}.public: is no public key", "planner signing-key show prints it")
    return found


def _not_after(reader: Reader, entries: Entries, path: str) -> float | None:
    if "not_after" not in entries:
        return None
    text = text_of(reader, entries, "not_after", path)
    try:
        last = datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time(), datetime.UTC)
        return (last + datetime.timedelta(days=1)).timestamp()
    except (ValueError, OverflowError):
        reader.wrong(entries["not_after"][1], f"{path}.not_after: is the last day it counts (UTC), such as 2027-06-30")
        return 0.0
