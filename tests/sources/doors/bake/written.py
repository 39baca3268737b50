"""Writes a family that is described in no language as a Bake file: HCL, HCL with a template to inherit, and JSON.

Texts of a description are templates: `${axis}` is the value of an axis of the matrix of an image, `$$` a dollar. Names
of images hold letters, digits, `_` and `-` only, as those of targets do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"\$(?:\$|\{(\w+)\})")
SHARED = ("context", "platforms", "labels")


def _given(one: Any, registry: str) -> dict[str, Any]:
    names = {"secrets": "secret"}
    fields = ("context", "dockerfile", "target", "args", "contexts", "labels", "tags", "platforms")
    found = {name: getattr(one, name) for name in (*fields, "secrets", "ssh", "network")}
    found["tags"] = (f"{registry}/{one.name}", *one.tags)
    return {names.get(name, name): value for name, value in found.items() if value}


def _template(text: str, prefix: str) -> str:
    """A text as a template of HCL, its axes under a prefix."""
    made, at = [], 0
    for found in _PLACE.finditer(text):
        made += [_plain(text[at : found.start()]), f"${{{prefix}{found[1]}}}" if found[1] else "$"]
        at = found.end()
    # A dollar of the description before a brace would begin a value.
    return re.sub(r"\$\{(?!\w+(\.\w+)?\})", "$${", "".join([*made, _plain(text[at:])]))


def _plain(text: str) -> str:
    return text.replace("%{", "%%{")


def _quoted(text: str) -> str:
    escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escaped.get(letter, letter) for letter in text) + '"'


def _value(value: Any, prefix: str) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(key)} = {_value(item, prefix)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item, prefix) for item in value) + "]"
    return _quoted(_template(value, prefix))


def _matrix(one: Any) -> tuple[dict[str, Any], str]:
    """The matrix as Bake has it, and what stands before an axis: with exclusions, one axis of objects."""
    if not one.exclude:
        return dict(one.matrix), ""
    return {"item": tuple(one.combinations())}, "item."


def _block(label: str, fields: Mapping[str, Any], prefix: str = "", first: str = "") -> str:
    lines = "".join(f"  {name} = {_value(value, prefix)}\n" for name, value in fields.items())
    return f'target "{label}" {{\n{first}{lines}}}\n'


def hcl(family: tuple[Any, ...], registry: str, *, inherits: bool = False) -> dict[str, str]:
    """As HCL; with `inherits` what an image may share with others stands in a target of its own."""
    parts = ['group "default" {\n  targets = ' + json.dumps(_made(family)) + "\n}\n"]
    for number, one in enumerate(family):
        fields = _given(one, registry)
        label = _label(number)
        if inherits:
            shared = {
                name: fields.pop(name) for name in SHARED if name in fields and "${" not in json.dumps(fields[name])
            }
            parts.append(_block(f"_{label}", {**shared, "args": {"NOBODY": "unused"}}))
            fields["inherits"] = (f"_{label}",)
        matrix, prefix = _matrix(one) if one.matrix else ({"only": ("x",)}, "")
        parts.append(_block(label, {"matrix": matrix, **fields}, prefix, f'  name = "{_template(one.name, prefix)}"\n'))
    return {"docker-bake.hcl": "\n".join(parts)}


def inheriting(family: tuple[Any, ...], registry: str) -> dict[str, str]:
    """As HCL with templates that are inherited."""
    return hcl(family, registry, inherits=True)


def as_json(family: tuple[Any, ...], registry: str) -> dict[str, str]:
    """As JSON."""
    targets = {}
    for number, one in enumerate(family):
        matrix, prefix = _matrix(one) if one.matrix else ({"only": ("x",)}, "")
        fields = _filled(_given(one, registry), prefix)
        targets[_label(number)] = {"name": _template(one.name, prefix), "matrix": matrix, **fields}
    group = {"default": {"targets": _made(family)}}
    return {"docker-bake.json": json.dumps({"group": group, "target": targets}, ensure_ascii=False)}


def _filled(value: Any, prefix: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, prefix) for key, item in value.items()}
    return [_filled(item, prefix) for item in value] if isinstance(value, tuple) else _template(value, prefix)


def _made(family: tuple[Any, ...]) -> list[str]:
    """The labels of entries that make an image: Bake refuses a group that names another one."""
    return [_label(number) for number, one in enumerate(family) if one.combinations()]


def _label(number: int) -> str:
    return f"entry{number}"
