"""Turns YAML nodes into values with their places, typed as Compose's own YAML reader types them.

Merge keys are resolved, `!reset` and `!override` are kept as marks. Knows nothing of what the values mean.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

import yaml

from planner.model.frozen import dataclass, field, replace
from planner.model.image import Span
from planner.sources.yaml_nodes import Node, Reader

MERGE = "<<"
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt ])")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NULL = ("", "~", "null", "Null", "NULL")
_BOOL = {"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false"}
_LARGEST = 1 << 64


class Mark(enum.Enum):
    """What a value of a later file does to that of an earlier one, beside being merged with it."""

    NONE = ""
    RESET = "!reset"
    OVERRIDE = "!override"


class Type(enum.Enum):
    """What a scalar is."""

    TEXT = "text"
    NUMBER = "a number"
    BOOL = "true or false"
    NULL = "nothing"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value; `text` is what Compose makes of it where it wants a text."""

    text: str
    type: Type
    place: Span
    mark: Mark = Mark.NONE


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    items: tuple[Value, ...]
    place: Span
    mark: Mark = Mark.NONE


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping; `places` are those of the names."""

    entries: Mapping[str, Value]
    place: Span
    mark: Mark = Mark.NONE
    places: Mapping[str, Span] = field(default_factory=dict, compare=False)


Value = Scalar | Listing | Fields


def is_null(value: Value | None) -> bool:
    """Whether nothing stands there."""
    return value is None or (isinstance(value, Scalar) and value.type is Type.NULL)


class Values:
    """Turns the nodes of one file into values; mistakes are kept in its reader."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def value(self, node: Node, *, marked: bool = True) -> Value:
        """The value of a node, with all that is in it. Compose looks for no marks below `!override`."""
        place, mark = self.reader.span(node), _mark(node) if marked else Mark.NONE
        marked = marked and mark is Mark.NONE
        if isinstance(node, yaml.MappingNode):
            entries = dict(self.entries(node))
            made = {name: self.value(value, marked=marked) for name, (_, value) in entries.items()}
            places = {name: self.reader.span(key) for name, (key, _) in entries.items()}
            return Fields(made, place, mark, places)
        if isinstance(node, yaml.SequenceNode):
            return Listing(tuple(self.value(item, marked=marked) for item in node.value), place, mark)
        return self._scalar(node, place, mark)

    def entries(self, node: Node) -> Iterator[tuple[str, tuple[Node, Node]]]:
        """The entries of a mapping, those that a merge key takes over first. Raises nothing; mistakes are kept."""
        if not isinstance(node, yaml.MappingNode):
            return
        seen: set[str] = set()
        own: list[tuple[str, tuple[Node, Node]]] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.reader.wrong(key, "a name must be text")
            elif key.value == MERGE and key.style in (None, ""):
                yield from self._merged(value)
            elif key.value in seen:
                self.reader.wrong(key, f'"{key.value}" is given twice', "keep one of them")
            else:
                seen.add(key.value)
                own.append((key.value, (key, value)))
        yield from own

    def _merged(self, node: Node) -> Iterator[tuple[str, tuple[Node, Node]]]:
        """What a merge key takes over: of several mappings the first has its way."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in reversed(sources):
            if isinstance(source, yaml.MappingNode):
                yield from self.entries(source)
            else:
                self.reader.wrong(source, "<<: takes a mapping, or a list of mappings")

    def _scalar(self, node: Node, place: Span, mark: Mark) -> Scalar:
        text = str(node.value)
        if "\0" in text:
            self.reader.wrong(node, "holds a NUL character")
            return Scalar("", Type.TEXT, place, mark)
        if not isinstance(node, yaml.ScalarNode) or node.style not in (None, ""):
            return Scalar(text, Type.TEXT, place, mark)
        if _DATE.match(text) or _INFINITE.fullmatch(text):
            self.reader.wrong(node, f"Compose takes {text} for a date or for no number", f'write "{text}"')
            return Scalar(text, Type.TEXT, place, mark)
        return replace(plain(text, place), mark=mark)


def _mark(node: Node) -> Mark:
    return next((mark for mark in (Mark.RESET, Mark.OVERRIDE) if node.tag == mark.value), Mark.NONE)


def plain(text: str, place: Span) -> Scalar:
    """What an unquoted text is, by the rules of the YAML library that Compose uses (go-yaml v4, resolver.go)."""
    if text in _NULL:
        return Scalar("", Type.NULL, place)
    if text in _BOOL:
        return Scalar(_BOOL[text], Type.BOOL, place)
    if text[0] in "0123456789+-.":
        bare = text.replace("_", "")
        number = None if text.startswith("._") else _integer(bare) or _float(bare)
        if number is not None:
            return Scalar(number, Type.NUMBER, place)
    return Scalar(text, Type.TEXT, place)


def _integer(bare: str) -> str | None:
    found = _INT.fullmatch(bare)
    if found is None or bare == "-0" or len(bare) > 80:
        return None
    sign, sixteen, two, eight, ten = found.groups()
    digits = next(text for text in (sixteen, two, eight, ten) if text is not None)
    base = 16 if sixteen else 2 if two else 8 if eight else 10
    number = int(f"{sign}{digits}", base)
    return str(number) if -(_LARGEST >> 1) <= number < _LARGEST else None


def _float(bare: str) -> str | None:
    if not _FLOAT.fullmatch(bare):
        return None
    number = float(bare)
    return None if math.isinf(number) else as_go_writes(number)


def as_go_writes(number: float) -> str:
    """A number as Go's `%v` writes it: the shortest digits, an exponent below -4 and from 6 on (strconv, ftoa.go)."""
    if not number:
        return "-0" if math.copysign(1, number) < 0 else "0"
    found = Decimal(repr(abs(number))).normalize().as_tuple()
    digits = "".join(map(str, found.digits))
    power = len(digits) - 1 + int(found.exponent)
    sign = "-" if number < 0 else ""
    if -4 <= power < 6:
        return sign + _written_out(digits, power)
    mantissa = digits[0] + (f".{digits[1:]}" if digits[1:] else "")
    return f"{sign}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _written_out(digits: str, power: int) -> str:
    if power < 0:
        return "0." + "0" * (-power - 1) + digits
    if len(digits) <= power + 1:
        return digits + "0" * (power + 1 - len(digits))
    return f"{digits[: power + 1]}.{digits[power + 1 :]}"
