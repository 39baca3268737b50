"""The variables of a Bake file, and the values that the environment and `--var` put in the place of their defaults."""

from __future__ import annotations

import csv
from collections.abc import Callable

from planner.model.frozen import dataclass
from planner.sources.doors.bake.body import Block, Setting
from planner.sources.doors.bake.functions.encodings import from_json
from planner.sources.doors.bake.number import DOUBLE, parsed
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import (
    ANY,
    BOOL,
    NUMBER,
    STRING,
    List,
    Map,
    Type,
    Value,
    convert,
    is_number,
    set_of,
    type_name,
    type_of,
)

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it is declared, with the checks that its value must pass."""

    name: str
    block: Block
    default: Setting | None
    type: Setting | None
    checks: tuple[Block, ...]


def variable_of(block: Block) -> Variable:
    """The variable that a block declares."""
    settings = block.body.settings
    checks = tuple(one for one in block.body.blocks if one.kind == "validation")
    return Variable(block.labels[0], block, settings.get("default"), settings.get("type"), checks)


def overridden(
    variable: Variable, found: Value, has_default: bool, kind: Type | None, given: Callable[[str], str | None]
) -> Value:
    """The value of a variable: what is given for it, else its default. Raises Wrong with its place."""
    name = variable.name
    text, is_json = given(name), False
    if text is None or kind is not None:
        other = given(f"{name}_JSON")
        if other is not None:
            text, is_json = other, True
    if text is None:
        return found if has_default or kind is not None else ""
    try:
        return _read(text, found, has_default, kind, is_json)
    except Wrong as error:
        shown = f"{name}_JSON" if is_json else name
        what = f"the value of {shown} in the environment or --var does not fit: {error.what}"
        raise Wrong(what, variable.block.at, source=variable.block.source) from error


def _read(text: str, found: Value, has_default: bool, kind: Type | None, is_json: bool) -> Value:
    if kind is not None and is_json:
        return convert(from_json(text), kind)
    if kind is not None and not isinstance(kind, str) and kind[0] != "object":
        return _from_csv(text, kind)
    if kind is not None and kind != ANY:
        if not isinstance(kind, str):
            raise Wrong(f"{type_name(kind)} is given as JSON only, by a name with _JSON after it")
        return primitive(text, kind)
    if kind == ANY:
        raise Wrong("a variable of any type is given as JSON only, by a name with _JSON after it")
    if not has_default or found is None:
        return text
    if isinstance(found, str | bool) or is_number(found):
        return primitive(text, type_of(found))
    raise Wrong(f"a variable with a default that is {type_name(type_of(found))} needs a type")


def primitive(text: str, kind: Type) -> Value:
    """A text of the environment in a type. Raises Wrong."""
    if kind == STRING:
        return text
    if kind == BOOL:
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise Wrong(f'"{text[:60]}" is no bool')
    if kind == NUMBER:
        read = parsed(text, DOUBLE)
        if read is None:
            raise Wrong(f'"{text[:60]}" is no number')
        return read
    raise Wrong(f"{type_name(kind)} cannot be read from a text")


def fields_of(text: str, comma: str = ",") -> list[str]:
    """The fields of one line of CSV. Raises Wrong."""
    try:
        rows = list(csv.reader([text], delimiter=comma, strict=True))
    except csv.Error as error:
        raise Wrong(f'"{text[:60]}" is no CSV: {error}') from error
    return rows[0] if rows else [""]


def _from_csv(text: str, kind: Type) -> Value:
    name, of = kind
    fields = fields_of(text)
    if name == "tuple":
        if len(fields) != len(of):
            raise Wrong(f"needs {len(of)} elements, not {len(fields)}")
        return tuple(primitive(field, one) for field, one in zip(fields, of, strict=True))
    if name == "map":
        pairs = [fields_of(field, ":") for field in fields]
        if any(len(pair) != 2 for pair in pairs):
            raise Wrong("needs pairs of a key and a value, KEY:VALUE")
        return Map((key, primitive(value, of)) for key, value in pairs)
    items = [primitive(field, of) for field in fields]
    return List(items) if name == "list" else set_of(items)
