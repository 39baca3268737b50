"""Functions on numbers and truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.number import DOUBLE, MAX_EXPONENT, Number, fraction, made, precision, whole
from planner.sources.doors.bake.operators import BINARY, UNARY
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.values import ANY, BOOL, NUMBER, List, Value

MAX_RANGE = 1024
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _two(operator: str) -> Function:
    return Function(BINARY[operator], (NUMBER, NUMBER))


def _absolute(number: Number) -> Number:
    return made(abs(fraction(number)), precision(number))


def _log(number: Number, base: Number) -> Number:
    try:
        return _float(math.log(float(fraction(number))) / math.log(float(fraction(base))))
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise Wrong("there is no such logarithm") from error


def _pow(number: Number, power: Number) -> Number:
    try:
        return _float(math.pow(float(fraction(number)), float(fraction(power))))
    except (ValueError, OverflowError) as error:
        raise Wrong("there is no such power") from error


def _float(number: float) -> Number:
    if not math.isfinite(number):
        raise Wrong("the result is not finite")
    return made(Fraction(number), DOUBLE)


def _extreme(rule: object) -> Function:
    def run(*numbers: Number) -> Number:
        if not numbers:
            raise Wrong("needs at least one number")
        found: Number = rule(numbers, key=fraction)  # type: ignore[operator]
        return found

    return Function(run, (), NUMBER)


def _signum(number: Number) -> int:
    found = whole(number)
    return (found > 0) - (found < 0)


def _parseint(text: Value, base: Number) -> int:
    radix = whole(base)
    if not isinstance(text, str) or not 2 <= radix <= 62:
        raise Wrong("needs a text, and a base from 2 to 62")
    if len(text) > MAX_EXPONENT:
        raise TooMuch("a number has too many digits")
    digits = text[1:] if text[:1] in ("+", "-") else text
    found = 0
    for digit in digits if radix > 36 else digits.lower():
        worth = _DIGITS.find(digit)
        if not 0 <= worth < radix:
            raise Wrong(f'"{text}" is no whole number of base {radix}')
        found = found * radix + worth
    if not digits:
        raise Wrong(f'"{text}" is no whole number of base {radix}')
    return -found if text.startswith("-") else found


def _range(*numbers: Number) -> Value:
    if not 1 <= len(numbers) <= 3:
        raise Wrong("needs one, two or three numbers")
    start, end = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    at, last = fraction(start), fraction(end)
    step = fraction(numbers[2]) if len(numbers) == 3 else Fraction(-1 if last < at else 1)
    if step == 0 or (step < 0 < last - at) or (step > 0 > last - at):
        raise Wrong("the step leads away from the end")
    found: list[Number] = []
    while (at > last) if step < 0 else (at < last):
        if len(found) >= MAX_RANGE:
            raise Wrong(f"more than {MAX_RANGE} numbers")
        found.append(made(at))
        at += step
    return List(found)


FUNCTIONS: Mapping[str, Function] = {
    "absolute": Function(_absolute, (NUMBER,)),
    "add": _two("+"),
    "subtract": _two("-"),
    "multiply": _two("*"),
    "divide": _two("/"),
    "modulo": _two("%"),
    "lessthan": _two("<"),
    "lessthanorequalto": _two("<="),
    "greaterthan": _two(">"),
    "greaterthanorequalto": _two(">="),
    "equal": Function(BINARY["=="], (ANY, ANY), nulls=True),
    "notequal": Function(BINARY["!="], (ANY, ANY), nulls=True),
    "negate": Function(UNARY["-"], (NUMBER,)),
    "not": Function(UNARY["!"], (BOOL,)),
    "and": Function(lambda one, other: one and other, (BOOL, BOOL)),
    "or": Function(lambda one, other: one or other, (BOOL, BOOL)),
    "ceil": Function(lambda number: math.ceil(fraction(number)), (NUMBER,)),
    "floor": Function(lambda number: math.floor(fraction(number)), (NUMBER,)),
    "int": Function(lambda number: int(fraction(number)), (NUMBER,)),
    "log": Function(_log, (NUMBER, NUMBER)),
    "pow": Function(_pow, (NUMBER, NUMBER)),
    "max": _extreme(max),
    "min": _extreme(min),
    "signum": Function(_signum, (NUMBER,)),
    "parseint": Function(_parseint, (ANY, NUMBER)),
    "range": Function(_range, (), NUMBER),
}
"""By the name that a file calls them with."""
