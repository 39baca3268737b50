"""The functions of the language with their arguments, and the check of an expression before anything is evaluated."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from planner.errors import QueryError, one_of
from planner.query.attributes import ATTRIBUTES, LABELS
from planner.query.expression import Call, Chain, Expression, Let, SetOf, Word
from planner.query.mistake import wrong
from planner.query.patterns import BadPattern, compile_pattern

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_DIGITS = 9


class Kind(enum.Enum):
    """What an argument is; the value is how messages call it."""

    TARGETS = "targets"
    NUMBER = "a number"
    PATTERN = "a pattern"
    ATTRIBUTE = "the name of an attribute"
    LABELS = "the name of an attribute that holds labels"
    REVISION = "a git revision"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """The arguments of a function; those after the first `required` may be left out."""

    kinds: tuple[Kind, ...]
    required: int
    shown: str


def _of(shown: str, *kinds: Kind, optional: int = 0) -> Signature:
    return Signature(kinds=kinds, required=len(kinds) - optional, shown=shown)


FUNCTIONS: Mapping[str, Signature] = {
    "affected": _of("affected(REV)", Kind.REVISION),
    "allpaths": _of("allpaths(a, b)", Kind.TARGETS, Kind.TARGETS),
    "allrdeps": _of("allrdeps(x[, depth])", Kind.TARGETS, Kind.NUMBER, optional=1),
    "attr": _of("attr(name, pattern, x)", Kind.ATTRIBUTE, Kind.PATTERN, Kind.TARGETS),
    "deps": _of("deps(x[, depth])", Kind.TARGETS, Kind.NUMBER, optional=1),
    "externals": _of("externals(x)", Kind.TARGETS),
    "filter": _of("filter(pattern, x)", Kind.PATTERN, Kind.TARGETS),
    "inputs": _of("inputs(x)", Kind.TARGETS),
    "kind": _of("kind(pattern, x)", Kind.PATTERN, Kind.TARGETS),
    "labels": _of("labels(name, x)", Kind.LABELS, Kind.TARGETS),
    "rdeps": _of("rdeps(u, x[, depth])", Kind.TARGETS, Kind.TARGETS, Kind.NUMBER, optional=1),
    "siblings": _of("siblings(x)", Kind.TARGETS),
    "some": _of("some(x[, n])", Kind.TARGETS, Kind.NUMBER, optional=1),
    "somepath": _of("somepath(a, b)", Kind.TARGETS, Kind.TARGETS),
}
"""Every function by its name."""


def check(expression: Expression, text: str) -> None:
    """Raise QueryError for an unknown function, a wrong argument, a bad pattern or a variable that nobody bound."""
    _check(expression, text, frozenset())


def _check(expression: Expression, text: str, bound: frozenset[str]) -> None:
    match expression:
        case Word():
            if expression.variable and expression.variable not in bound:
                hint = one_of(expression.variable, sorted(bound)) or f"bind it: let {expression.variable} = … in …"
                raise wrong(text, expression.at, f"the variable {expression.text} has no value here", hint)
        case SetOf(words=words):
            for word in words:
                _check(word, text, bound)
        case Chain(first=first, rest=rest):
            for part in (first, *(operand for _, operand in rest)):
                _check(part, text, bound)
        case Let(name=name, value=value, body=body):
            if not NAME.fullmatch(name):
                hint = "a name is made of letters, digits and _, without a $"
                raise wrong(text, expression.at, f'"{name}" is no name for a variable', hint)
            _check(value, text, bound)
            _check(body, text, bound | {name})
        case Call():
            _check_call(expression, text, bound)


def _check_call(call: Call, text: str, bound: frozenset[str]) -> None:
    signature = FUNCTIONS.get(call.function)
    if signature is None:
        hint = one_of(call.function, list(FUNCTIONS)) or f"there are {', '.join(FUNCTIONS)}"
        raise wrong(text, call.at, f'there is no function "{call.function}"', hint)
    count = len(call.arguments)
    if not signature.required <= count <= len(signature.kinds):
        most = len(signature.kinds)
        takes = str(most) if most == signature.required else f"{signature.required} or {most}"
        noun = "argument" if takes == "1" else "arguments"
        raise wrong(text, call.at, f"{call.function} takes {takes} {noun}, not {count}", f"write {signature.shown}")
    for argument, kind in zip(call.arguments, signature.kinds, strict=False):
        if kind is Kind.TARGETS:
            _check(argument, text, bound)
        elif isinstance(argument, Word):
            _check_word(argument, kind, text)
        else:
            hint = f"write {signature.shown}"
            raise wrong(text, argument.at, f"{call.function} takes {kind.value} here, not an expression", hint)


def _check_word(word: Word, kind: Kind, text: str) -> None:
    error: QueryError | None = None
    if kind is Kind.NUMBER:
        if not (word.text.isascii() and word.text.isdecimal() and len(word.text) <= MAX_DIGITS):
            error = wrong(
                text, word.at, f'"{word.text}" is no number', f"a depth is a number of 1 to {MAX_DIGITS} digits"
            )
    elif kind is Kind.PATTERN:
        try:
            compile_pattern(word.text)
        except BadPattern as bad:
            hint = "patterns are RE2's: github.com/google/re2/wiki/Syntax; [ ( . * + ? are escaped with \\"
            error = wrong(text, word.at, f"the pattern cannot be used: {bad}", hint)
    elif kind in (Kind.ATTRIBUTE, Kind.LABELS):
        known = list(ATTRIBUTES if kind is Kind.ATTRIBUTE else LABELS)
        if word.text not in known:
            hint = one_of(word.text, known) or f"there are {', '.join(known)}"
            error = wrong(text, word.at, f'no image has an attribute "{word.text}" here', hint)
    if error is not None:
        raise error
