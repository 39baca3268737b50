"""The records that a query is made of. Each knows the position in the text where it begins, for messages."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Operator(enum.Enum):
    """The three set operators; all have the same precedence and group to the left."""

    UNION = "union"
    INTERSECT = "intersect"
    EXCEPT = "except"


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A label, pattern, number or revision, as written; `at` counts from 0."""

    text: str
    at: int
    quoted: bool = False

    @property
    def variable(self) -> str:
        """The name behind a `$`; "" for any other word."""
        return self.text[1:] if self.text.startswith("$") and not self.quoted else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """Expressions joined by operators, applied from left to right. A chain is flat, however long it is."""

    first: Expression
    rest: tuple[tuple[Operator, Expression], ...]
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Let:
    """`let NAME = value in body`."""

    name: str
    value: Expression
    body: Expression
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SetOf:
    """`set(a b c)`: the union of words."""

    words: tuple[Word, ...]
    at: int


Expression = Word | Call | Chain | Let | SetOf
