"""Functions that encode, decode and hash."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import json
import re
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.number import parsed, text_of
from planner.sources.doors.bake.trouble import TooMuch, Volatile, Wrong
from planner.sources.doors.bake.values import ANY, STRING, List, Value, is_number, weigh

_NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
MAX_JSON_DEPTH = 100


def json_text(value: Value) -> str:
    """A value as JSON, as Go writes it: keys sorted, no spaces, `<` and its like escaped."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if is_number(value):
        return text_of(value)
    if isinstance(value, tuple):
        return f"[{','.join(map(json_text, value))}]"
    return "{" + ",".join(f"{_quoted(name)}:{json_text(item)}" for name, item in sorted(value.items())) + "}"


def _quoted(text: str) -> str:
    return re.sub("[<>&\u2028\u2029]", lambda one: _HTML[one[0]], json.dumps(text, ensure_ascii=False))


def _jsonencode(value: Value) -> str:
    weigh(value)
    return json_text(value)


def from_json(text: str) -> Value:
    """A JSON document as a value. Raises Wrong."""
    try:
        found = json.loads(text, parse_float=parsed, parse_int=parsed, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Wrong("is no JSON") from error
    return frozen(found)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def frozen(found: Any, depth: int = 0) -> Value:
    """What JSON holds as a value. Raises TooMuch."""
    if depth > MAX_JSON_DEPTH:
        raise TooMuch(f"is nested more than {MAX_JSON_DEPTH} deep")
    if isinstance(found, list):
        return tuple(frozen(item, depth + 1) for item in found)
    if isinstance(found, dict):
        return {name: frozen(item, depth + 1) for name, item in found.items()}
    return found


def _csvdecode(text: str) -> Value:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise Wrong(f"is no CSV: {error}") from error
    if not rows:
        raise Wrong("has no line with names")
    names, *rest = rows
    if len(set(names)) < len(names) or any(len(row) != len(names) for row in rest):
        raise Wrong("has a name twice, or a line with another number of fields")
    return List(dict(zip(names, row, strict=True)) for row in rest)


def _base64decode(text: str) -> str:
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Wrong("is no base64 of a text") from error


def _hash(algorithm: str) -> Function:
    return Function(
        lambda text: hashlib.new(algorithm, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest(),
        (STRING,),
    )


def _uuidv5(namespace: str, name: str) -> str:
    try:
        return str(uuid.uuid5(_NAMESPACES.get(namespace) or uuid.UUID(namespace), name))
    except ValueError as error:
        raise Wrong(f'"{namespace[:60]}" is no namespace') from error


def never_twice(name: str, hint: str) -> Callable[..., Value]:
    """What stands for a function that gives something else each time."""

    def run(*_: Value) -> Value:
        raise Volatile(f"{name} gives something else each time, so that no plan would hold", hint=hint)

    return run


FUNCTIONS: Mapping[str, Function] = {
    "base64encode": Function(lambda text: base64.b64encode(text.encode("utf-8", "replace")).decode(), (STRING,)),
    "base64decode": Function(_base64decode, (STRING,)),
    "jsonencode": Function(_jsonencode, (ANY,), nulls=True),
    "jsondecode": Function(from_json, (STRING,)),
    "csvdecode": Function(_csvdecode, (STRING,)),
    "urlencode": Function(lambda text: urllib.parse.quote_plus(text, errors="replace"), (STRING,)),
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
    "uuidv5": Function(_uuidv5, (STRING, STRING)),
    "uuidv4": Function(never_twice("uuidv4()", "name it by uuidv5() of what it stands for, or in a variable")),
    "bcrypt": Function(never_twice("bcrypt()", "hash with sha256(), or give the hash in a variable"), (ANY,), ANY),
}
"""By the name that a file calls them with."""
