"""Reads the section `relay:` of a policy file."""

from __future__ import annotations

import re

from planner.policy.fields import Entries, inside, text_of
from planner.policy.policy import RelayRule
from planner.sources.yaml_nodes import Reader

LABEL, IMAGES, MINUTES = "build-images", 50, 120
MAX_IMAGES, MAX_MINUTES = 2_000, 24 * 60
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,49}", re.ASCII)


def relay_of(reader: Reader, top: Entries) -> RelayRule | None:
    """What the section says, None where there is none."""
    if "relay" not in top:
        return None
    fields = inside(reader, top, "relay", "relay", ("label", "images", "minutes"))
    label = text_of(reader, fields, "label", "relay", LABEL)
    if not _LABEL.fullmatch(label):
        reader.wrong(fields["label"][1], "relay.label: is no name of a label: letters, digits, spaces and . _ : / -")
    return RelayRule(
        label=label,
        images=_number(reader, fields, "images", IMAGES, MAX_IMAGES),
        minutes=_number(reader, fields, "minutes", MINUTES, MAX_MINUTES),
    )


def _number(reader: Reader, fields: Entries, name: str, default: int, most: int) -> int:
    if name not in fields:
        return default
    text = text_of(reader, fields, name, "relay")
    if text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) <= most:
        return int(text)
    reader.wrong(fields[name][1], f"relay.{name}: is a number from 1 to {most}")
    return default
