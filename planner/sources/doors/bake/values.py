"""Values of HCL and the types that they are converted to, by the rules of go-cty (v1.17.0).

A value is None (null), a bool, an int or Real, a str, a tuple (a tuple, or a List or Set of elements of one type), or
a dict (an object, or a Map of elements of one type). Values are never changed once they are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from planner.sources.doors.bake.number import Number, Real, fraction, parsed, text_of
from planner.sources.doors.bake.trouble import TooMuch, Wrong

MAX_WEIGHT = 200_000
"""Values within one value: what is larger is refused before it is walked."""
MAX_TEXT = 4 << 20
"""Letters of one text."""

Value = Any
"""One of the kinds above; the readers of values tell which."""


class List(tuple[Any, ...]):
    """A list whose elements have one type."""

    __slots__ = ()


class Set(tuple[Any, ...]):
    """A set, its elements in the order in which HCL walks them."""

    __slots__ = ()


class Map(dict[str, Any]):
    """A mapping whose elements have one type."""

    __slots__ = ()


STRING, NUMBER, BOOL, ANY = "string", "number", "bool", "any"
Type = Any
"""A type: one of the names above, or a pair: ("list", of), ("set", of), ("map", of), ("tuple", (of, …)),

("object", {name: (of, optional, default)}).
"""


def is_number(value: Value) -> bool:
    """Whether it is a number; to Python a bool is one too."""
    return isinstance(value, Real) or (isinstance(value, int) and not isinstance(value, bool))


def named(value: Value) -> str:
    """What kind of value it is, for messages."""
    return type_name(type_of(value))


def type_name(kind: Type) -> str:
    """A type, for messages."""
    if isinstance(kind, str):
        return kind
    name, of = kind
    return name if name in ("object", "tuple") else f"{name} of {type_name(of)}"


def type_of(value: Value) -> Type:
    """The type of a value; that of null, and of an element that a list does not have, is ANY."""
    if value is None:
        return ANY
    if isinstance(value, str):
        return STRING
    if isinstance(value, bool):
        return BOOL
    if is_number(value):
        return NUMBER
    if isinstance(value, List | Set):
        return ("set" if isinstance(value, Set) else "list", _element(value))
    if isinstance(value, tuple):
        return ("tuple", tuple(type_of(item) for item in value))
    if isinstance(value, Map):
        return ("map", _element(value.values()))
    return ("object", {name: (type_of(item), False, None) for name, item in value.items()})


def _element(items: Iterable[Value]) -> Type:
    return next((kind for item in items if (kind := type_of(item)) != ANY), ANY)


def weigh(value: Value, limit: int = MAX_WEIGHT) -> int:
    """How many values a value is made of. Raises TooMuch beyond `limit`."""
    count = 0
    waiting = [value]
    while waiting:
        at = waiting.pop()
        count += 1
        if isinstance(at, tuple):
            waiting.extend(at)
        elif isinstance(at, dict):
            waiting.extend(at.values())
        if count + len(waiting) > limit:
            raise TooMuch(f"a value is made of more than {limit} values")
    return count


def text(value: Value) -> str:
    """A value as text. Raises Wrong for what is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return text_of(value)
    raise Wrong("a string is required" + (", not null" if value is None else f", not {named(value)}"))


def number(value: Value) -> Number:
    """A value as a number. Raises Wrong for what is none."""
    if is_number(value):
        found: Number = value
        return found
    if isinstance(value, str) and (read := parsed(value)) is not None:
        return read
    raise Wrong(f"a number is required, not {_shown(value)}")


def boolean(value: Value) -> bool:
    """A value as a bool. Raises Wrong for what is none."""
    if isinstance(value, bool):
        return value
    if value in ("true", "1") and isinstance(value, str):
        return True
    if value in ("false", "0") and isinstance(value, str):
        return False
    raise Wrong(f"a bool is required, not {_shown(value)}")


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return f'"{value[:60]}"'
    return "null" if value is None else named(value)


def elements(value: Value) -> Iterator[tuple[Value, Value]]:
    """Keys and values in the order in which HCL walks them. Raises Wrong for what cannot be walked."""
    if isinstance(value, Set):
        return iter([(item, item) for item in value])
    if isinstance(value, tuple):
        return iter(enumerate(value))
    if isinstance(value, dict):
        return iter(sorted(value.items()))
    raise Wrong(f"a list, a set, a tuple or a map is required, not {_shown(value)}")


def convert(value: Value, kind: Type) -> Value:
    """The value in this type, as far as it can be had. Raises Wrong."""
    if value is None or kind == ANY:
        return value
    if isinstance(kind, str):
        return {STRING: text, NUMBER: number, BOOL: boolean}[kind](value)
    name, of = kind
    if name in ("list", "set"):
        if isinstance(value, dict) or not isinstance(value, tuple):
            raise Wrong(f"{name} of {type_name(of)} required, not {_shown(value)}")
        items = _converted(value, of)
        return List(items) if name == "list" else set_of(items)
    if name == "tuple":
        if not isinstance(value, tuple) or isinstance(value, List | Set) or len(value) != len(of):
            raise Wrong(f"a tuple of {len(of)} elements is required, not {_shown(value)}")
        return tuple(convert(item, one) for item, one in zip(value, of, strict=True))
    if not isinstance(value, dict):
        raise Wrong(f"{name} required, not {_shown(value)}")
    if name == "map":
        return Map(zip(value, _converted(tuple(value.values()), of), strict=True))
    return _object(value, of)


def _converted(items: Sequence[Value], of: Type) -> list[Value]:
    if of == ANY:
        of = unify([type_of(item) for item in items])
        if of is None:
            raise Wrong("all elements must have the same type")
    return [convert(item, of) for item in items]


def _object(value: Mapping[str, Value], of: Mapping[str, tuple[Type, bool, Value]]) -> dict[str, Value]:
    made: dict[str, Value] = {}
    for name, (kind, optional, default) in of.items():
        if name not in value:
            if not optional:
                raise Wrong(f'the attribute "{name}" is required')
            made[name] = default
        else:
            found = convert(value[name], kind)
            made[name] = default if found is None and optional else found
    return made


def set_of(items: Iterable[Value]) -> Set:
    """The different ones of these values, in the order in which HCL walks a set of them."""
    found: dict[Any, Value] = {}
    for item in items:
        found.setdefault(identity(item), item)
    return Set(found[key] for key in sorted(found, key=lambda key: (key[0], key[1] if len(key) == 2 else repr(key))))


def identity(value: Value) -> Any:
    """Something hashable that is equal exactly for equal values."""
    if value is None:
        return ("0", 0)
    if isinstance(value, str):
        return ("s", value)
    if isinstance(value, bool):
        return ("b", value)
    if is_number(value):
        return ("n", fraction(value))
    if isinstance(value, tuple):
        kind = "l" if isinstance(value, List) else "S" if isinstance(value, Set) else "t"
        return (kind, 0, *map(identity, value))
    kind = "m" if isinstance(value, Map) else "o"
    return (kind, 0, *((name, identity(item)) for name, item in sorted(value.items())))


def equal(one: Value, other: Value) -> bool:
    """HCL's ==: values of different types are never equal."""
    return bool(identity(one) == identity(other))


def unify(kinds: Sequence[Type]) -> Type:
    """One type that values of all these types can be converted to; None where there is none."""
    found: Type = ANY
    for kind in kinds:
        found = _unified(found, kind)
        if found is None:
            return None
    return found


def _unified(one: Type, other: Type) -> Type:
    if one == other or other == ANY:
        return one
    if one == ANY:
        return other
    if isinstance(one, str) and isinstance(other, str):
        return STRING if STRING in (one, other) else None
    if isinstance(one, str) or isinstance(other, str):
        return None
    (name, of), (name2, of2) = one, other
    names = {name, name2}
    if names == {"tuple"} and len(of) == len(of2):
        both = [_unified(a, b) for a, b in zip(of, of2, strict=True)]
        if None not in both:
            return ("tuple", tuple(both))
    if names <= {"tuple", "list", "set"}:
        element = unify([*_elements_of(one), *_elements_of(other)])
        return None if element is None else ("set" if names == {"set"} else "list", element)
    if names == {"object"} and of.keys() == of2.keys():
        kinds = {key: _unified(of[key][0], of2[key][0]) for key in of}
        if None not in kinds.values():
            return ("object", {key: (kind, False, None) for key, kind in kinds.items()})
    if names <= {"object", "map"}:
        element = unify([*_elements_of(one), *_elements_of(other)])
        return None if element is None else ("map", element)
    return None


def _elements_of(kind: Type) -> Sequence[Type]:
    name, of = kind
    if name == "tuple":
        return list(of)
    return [one for one, _, _ in of.values()] if name == "object" else [of]


def bounded(made: str) -> str:
    """The text, where it is not too long. Raises TooMuch."""
    if len(made) > MAX_TEXT:
        raise TooMuch(f"a text is longer than {MAX_TEXT} letters")
    return made
