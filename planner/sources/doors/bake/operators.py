"""The operators of HCL on values: numbers by go-cty's arithmetic, equality without any conversion."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

from planner.sources.doors.bake.number import Number, fraction, made, precision
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import Value, boolean, equal, number

Arithmetic = Callable[[Fraction, Fraction], Fraction]


def computed(one: Value, other: Value, rule: Arithmetic) -> Number:
    """A rule on two numbers, rounded as their precision asks."""
    a, b = number(one), number(other)
    return made(rule(fraction(a), fraction(b)), precision(a, b))


def _arithmetic(rule: Arithmetic) -> Callable[[Value, Value], Value]:
    return lambda one, other: computed(one, other, rule)


def divided(one: Value, other: Value) -> Number:
    """One number divided by another. Raises Wrong for a division by zero."""
    if fraction(number(other)) == 0:
        raise Wrong("a division by zero")
    return computed(one, other, lambda a, b: a / b)


def modulo(one: Value, other: Value) -> Number:
    """What a division leaves, with the sign of what is divided. Raises Wrong for a division by zero."""
    if fraction(number(other)) == 0:
        raise Wrong("a division by zero")
    return computed(one, other, lambda a, b: a - b * int(a / b))


def _comparison(rule: Callable[[Fraction, Fraction], bool]) -> Callable[[Value, Value], Value]:
    return lambda one, other: rule(fraction(number(one)), fraction(number(other)))


BINARY: Mapping[str, Callable[[Value, Value], Value]] = {
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": divided,
    "%": modulo,
    "<": _comparison(operator.lt),
    ">": _comparison(operator.gt),
    "<=": _comparison(operator.le),
    ">=": _comparison(operator.ge),
    "==": equal,
    "!=": lambda one, other: not equal(one, other),
}
"""What each operator between two expressions does; `&&` and `||` are the tree's own."""


def _negated(value: Value) -> Value:
    found = number(value)
    return made(-fraction(found), precision(found))


UNARY: Mapping[str, Callable[[Value], Value]] = {"!": lambda value: not boolean(value), "-": _negated}
"""What an operator before an expression does."""
