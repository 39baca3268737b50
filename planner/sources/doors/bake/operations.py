"""Expressions that are made of others: operators, choices, lists, objects, and `for`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.sources.doors.bake.operators import BINARY, UNARY
from planner.sources.doors.bake.syntax import Node, Scope
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.values import (
    Value,
    boolean,
    bounded,
    convert,
    elements,
    named,
    text,
    type_of,
    unify,
    weigh,
)


@dataclass(slots=True)
class Conditional(Node):
    """`condition ? yes : no`. Both sides are thought through, and must have types that go together."""

    condition: Node
    yes: Node
    no: Node

    def value(self, scope: Scope) -> Value:
        one, other = _tried(self.yes, scope), _tried(self.no, scope)
        chosen = self.condition.value(scope)
        if chosen is None:
            raise Wrong("a condition is null", self.condition.at)
        try:
            taken = one if boolean(chosen) else other
        except Wrong as error:
            raise self.condition.wrong(error) from None
        if isinstance(taken, Wrong):
            raise taken
        if isinstance(one, Wrong) or isinstance(other, Wrong):
            return taken
        if type(one) is type(other) and isinstance(one, str):
            return taken
        kind = unify([type_of(one), type_of(other)])
        if kind is None:
            raise Wrong(f"both sides must have one type, not {named(one)} and {named(other)}", self.at)
        return convert(taken, kind)


def _tried(node: Node, scope: Scope) -> Value:
    try:
        return node.value(scope)
    except TooMuch:
        raise
    except Wrong as error:
        return error


@dataclass(slots=True)
class Binary(Node):
    """An operator between two expressions."""

    operator: str
    left: Node
    right: Node

    def value(self, scope: Scope) -> Value:
        if self.operator in ("&&", "||"):
            return self._logical(scope)
        one, other = self.left.value(scope), self.right.value(scope)
        scope.root.spend(1)
        try:
            return BINARY[self.operator](one, other)
        except Wrong as error:
            raise self.wrong(error) from None

    def _logical(self, scope: Scope) -> Value:
        """A side that decides makes up for the other one, even where that is an error."""
        decides = self.operator == "||"
        sides = []
        for node in (self.left, self.right):
            found = _tried(node, scope)
            if not isinstance(found, Wrong):
                try:
                    found = boolean(found)
                except Wrong as error:
                    raise node.wrong(error) from None
            sides.append(found)
        if decides in sides:
            return decides
        for found in sides:
            if isinstance(found, Wrong):
                raise found
        return not decides


@dataclass(slots=True)
class Unary(Node):
    """`!` or `-` before an expression."""

    operator: str
    of: Node

    def value(self, scope: Scope) -> Value:
        try:
            return UNARY[self.operator](self.of.value(scope))
        except Wrong as error:
            raise self.wrong(error) from None


@dataclass(slots=True)
class TupleOf(Node):
    """`[a, b]`."""

    items: Sequence[Node]

    def value(self, scope: Scope) -> Value:
        scope.root.spend(len(self.items) + 1)
        made = tuple([item.value(scope) for item in self.items])
        weigh(made)
        return made


@dataclass(slots=True)
class ObjectOf(Node):
    """`{a = 1, (b) = 2}`; a bare name as a key is a Literal already."""

    items: Sequence[tuple[Node, Node]]

    def value(self, scope: Scope) -> Value:
        scope.root.spend(len(self.items) + 1)
        made = {}
        for key, item in self.items:
            made[_key(key, scope)] = item.value(scope)
        weigh(made)
        return made


def _key(node: Node, scope: Scope) -> str:
    try:
        return text(node.value(scope))
    except Wrong as error:
        raise node.wrong(error) from None


@dataclass(slots=True)
class For(Node):
    """`[for k, v in of : result if only]`, and with a key `{for k, v in of : key => result}`."""

    key_name: str
    value_name: str
    of: Node
    key: Node | None
    result: Node
    only: Node | None
    group: bool = False

    def value(self, scope: Scope) -> Value:
        found = self.of.value(scope)
        if found is None:
            raise Wrong("null cannot be walked", self.of.at)
        try:
            pairs = elements(found)
        except Wrong as error:
            raise self.of.wrong(error) from None
        inner = Scope(scope.root, dict(scope.names))
        return self._tuple(pairs, inner) if self.key is None else self._object(self.key, pairs, inner)

    def _steps(self, pairs: Iterator[tuple[Value, Value]], inner: Scope) -> Iterator[None]:
        """Goes on with each wanted element, its names set in the scope."""
        for key, item in pairs:
            inner.root.spend(2)
            if self.key_name:
                inner.names[self.key_name] = key
            inner.names[self.value_name] = item
            if self.only is None or self._is_wanted(self.only, inner):
                yield

    @staticmethod
    def _is_wanted(only: Node, inner: Scope) -> bool:
        try:
            return boolean(only.value(inner))
        except Wrong as error:
            raise only.wrong(error) from None

    def _tuple(self, pairs: Iterator[tuple[Value, Value]], inner: Scope) -> Value:
        made = tuple([self.result.value(inner) for _ in self._steps(pairs, inner)])
        weigh(made)
        return made

    def _object(self, key: Node, pairs: Iterator[tuple[Value, Value]], inner: Scope) -> Value:
        made: dict[str, Value] = {}
        groups: dict[str, list[Value]] = {}
        for _ in self._steps(pairs, inner):
            name = _key(key, inner)
            found = self.result.value(inner)
            if self.group:
                groups.setdefault(name, []).append(found)
            elif name in made:
                raise Wrong(f'two elements have the key "{name}"', key.at, "group them with ... after the value")
            else:
                made[name] = found
        if self.group:
            made = {name: tuple(items) for name, items in groups.items()}
        weigh(made)
        return made


@dataclass(slots=True)
class Joined(Node):
    """The texts of a `%{for}` directive, one after the other."""

    of: Node

    def value(self, scope: Scope) -> Value:
        try:
            whole = bounded("".join(text(item) for item in self.of.value(scope)))
        except Wrong as error:
            raise self.wrong(error) from None
        scope.root.spend(len(whole) + 1)
        return whole
