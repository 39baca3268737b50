"""The functions of Bake that take expressions, not values: `convert`, `try` and `can`."""

from __future__ import annotations

from collections.abc import Sequence

from planner.sources.doors.bake.syntax import Node, Scope
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.types import type_of_expression
from planner.sources.doors.bake.values import Value, convert

SPECIAL = ("try", "can", "convert")


def special(name: str, arguments: Sequence[Node], scope: Scope) -> Value:
    """What a function gives that takes expressions, not values. Raises Wrong."""
    if name == "convert":
        if len(arguments) != 2:
            raise Wrong("convert() needs a value and a type")
        return convert(arguments[0].value(scope), type_of_expression(arguments[1]) or "any")
    if not arguments or (name == "can" and len(arguments) > 1):
        raise Wrong(f"{name}() needs {'one expression' if name == 'can' else 'at least one expression'}")
    for argument in arguments:
        try:
            found = argument.value(scope)
            return True if name == "can" else found
        except TooMuch:
            raise
        except Wrong as error:
            last = error
    if name == "can":
        return False
    raise last
