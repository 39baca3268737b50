"""`format` and `formatlist`: verbs as in C, with the meanings that go-cty gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from planner.model.frozen import dataclass
from planner.sources.doors.bake.functions.encodings import json_text
from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.functions.texts import letters
from planner.sources.doors.bake.number import Number, Real, decimal_places, fraction, text_of
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.values import (
    ANY,
    MAX_TEXT,
    STRING,
    List,
    Value,
    boolean,
    bounded,
    is_number,
    number,
    text,
)

MAX_WIDTH = 10_000
_VERB = re.compile(r"%(?P<flags>[ +\-0#]*)(?P<width>\d+)?(?:\.(?P<precision>\d+))?(?:\[(?P<index>\d+)\])?(?P<mode>.)")


@dataclass(frozen=True, slots=True)
class _Verb:
    raw: str
    flags: str
    width: int
    precision: int
    mode: str


def formatted(template: str, *arguments: Value) -> str:
    """The template with its verbs filled in. Raises Wrong."""
    made: list[str] = []
    at = size = following = highest = 0
    while True:
        start = template.find("%", at)
        if start < 0:
            break
        made.append(template[at:start])
        if template.startswith("%%", start):
            made.append("%")
            at = start + 2
            continue
        found = _VERB.match(template, start)
        if found is None:
            raise Wrong("the format has a verb that is not whole")
        at = found.end()
        following = int(found["index"]) if found["index"] else following + 1
        highest = max(highest, following)
        if not 1 <= following <= len(arguments):
            raise Wrong(f"the format needs argument {following}, and there are {len(arguments)}")
        verb = _Verb(found[0], found["flags"], _size(found["width"]), _size(found["precision"]), found["mode"])
        made.append(_filled(verb, arguments[following - 1]))
        size += len(made[-1])
        if size > MAX_TEXT:
            raise TooMuch(f"a text is longer than {MAX_TEXT} letters")
    if highest < len(arguments):
        raise Wrong(f"the format uses {highest} of {len(arguments)} arguments")
    return bounded("".join([*made, template[at:]]))


def _size(digits: str | None) -> int:
    if digits is None:
        return -1
    if len(digits) > 5 or int(digits) > MAX_WIDTH:
        raise TooMuch(f"the format asks for more than {MAX_WIDTH} letters")
    return int(digits)


def _filled(verb: _Verb, value: Value) -> str:
    if verb.mode != "v" and value is None:
        raise Wrong(f"{verb.raw} cannot show null")
    if verb.mode == "v":
        return _padded(verb, _as_is(verb, value))
    if verb.mode == "t":
        return "true" if boolean(value) else "false"
    if verb.mode in "bdoxX":
        return _integer(verb, number(value))
    if verb.mode in "eEfgG":
        return _real(verb, number(value))
    if verb.mode in "sq":
        shown = text(value)
        if verb.precision > 0:
            shown = "".join(letters(shown)[: verb.precision])
        return _padded(verb, json_text(shown) if verb.mode == "q" else shown)
    raise Wrong(f"{verb.raw} is no verb of format")


def _as_is(verb: _Verb, value: Value) -> str:
    if "#" not in verb.flags:
        if isinstance(value, str):
            return value
        if is_number(value):
            return _shortest(value)
    return json_text(value)


def _padded(verb: _Verb, shown: str) -> str:
    room = verb.width - len(letters(shown))
    if room <= 0:
        return shown
    pad = ("0" if "0" in verb.flags else " ") * room
    return shown + pad if "-" in verb.flags else pad + shown


def _signed(verb: _Verb, negative: bool, digits: str) -> str:
    """A number with its sign, padded as Go does: zeros stand between sign and digits."""
    sign = "-" if negative else "+" if "+" in verb.flags else " " if " " in verb.flags else ""
    room = verb.width - len(sign) - len(digits)
    if room <= 0:
        return sign + digits
    if "-" in verb.flags:
        return sign + digits + " " * room
    return sign + "0" * room + digits if "0" in verb.flags else " " * room + sign + digits


def _integer(verb: _Verb, value: Number) -> str:
    if isinstance(value, Real):
        raise Wrong(f"{verb.raw} needs a whole number")
    digits = text_of(abs(value)) if verb.mode == "d" else format(abs(value), verb.mode)
    prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb.mode, "") if "#" in verb.flags else ""
    if verb.precision >= 0:
        digits = "" if verb.precision == 0 == value else digits.rjust(verb.precision, "0")
    return _signed(verb, value < 0, prefix + digits)


def _real(verb: _Verb, value: Number) -> str:
    exact = fraction(value)
    mode, precision = verb.mode.lower(), verb.precision
    if mode == "g":
        shown = _shortest(value, precision)
        shown = shown.removeprefix("-")
    elif mode == "f":
        shown = _fixed(abs(exact), 6 if precision < 0 else precision)
    else:
        digits, exponent = _scientific(abs(exact), 7 if precision < 0 else precision + 1)
        shown = _with_exponent(digits, exponent)
    return _signed(verb, exact < 0, shown.upper() if verb.mode in "EG" else shown)


def _fixed(exact: Fraction, places: int) -> str:
    digits = str(round(exact * 10**places)).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def _scientific(exact: Fraction, count: int) -> tuple[str, int]:
    """So many digits of a number, and the exponent of the first one."""
    if exact == 0:
        return "0" * count, 0
    exponent = len(str(int(exact))) - 1 if exact >= 1 else -1
    while exact < Fraction(10) ** exponent:
        exponent -= 1
    digits = str(round(exact / Fraction(10) ** (exponent - count + 1)))
    return (digits[:count], exponent + 1) if len(digits) > count else (digits, exponent)


def _with_exponent(digits: str, exponent: int) -> str:
    point = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{point}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _shortest(value: Number, precision: int = -1) -> str:
    """Go's %g: digits as few as do, with an exponent where the number is very small or large."""
    exact = abs(fraction(value))
    sign = "-" if fraction(value) < 0 else ""
    if precision >= 0:
        digits, exponent = _scientific(exact, max(precision, 1))
        digits = digits.rstrip("0") or "0"
        limit = max(precision, 1)
        if limit > len(digits) > exponent:
            limit = len(digits)
    else:
        places = decimal_places(value) if isinstance(value, Real) else 0
        whole = str(round(exact * 10**places)).lstrip("0")
        digits, exponent = whole.rstrip("0") or "0", len(whole) - places - 1 if whole else 0
        limit = 6
    if exponent < -4 or exponent >= limit:
        return sign + _with_exponent(digits, exponent)
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    digits = digits.ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return f"{sign}{digits[: exponent + 1]}{'.' + rest if rest else ''}"


def _formatlist(template: str, *arguments: Value) -> Value:
    lengths = {len(argument) for argument in arguments if isinstance(argument, tuple)}
    if len(lengths) > 1:
        raise Wrong("the lists have different lengths")
    rows = range(lengths.pop() if lengths else 1)
    made: list[str] = []
    size = 0
    for row in rows:
        items: Sequence[Value] = [one[row] if isinstance(one, tuple) else one for one in arguments]
        made.append(formatted(template, *items))
        size += len(made[-1])
        if size > MAX_TEXT:
            raise TooMuch(f"a text is longer than {MAX_TEXT} letters")
    return List(made)


FUNCTIONS: Mapping[str, Function] = {
    "format": Function(formatted, (STRING,), ANY, nulls=True),
    "formatlist": Function(_formatlist, (STRING,), ANY, nulls=True),
}
"""By the name that a file calls them with."""
