"""The expressions of HCL as a tree, and what each is worth in a scope (hclsyntax of hashicorp/hcl v2.24.0).

Knows no files: an offset `at` is one into the text that an expression stands in, and whoever owns it names the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import Value, bounded, named, number, text, weigh

ITEM = " item"
"""The name under which a splat's element stands in its scope; no file can write it."""


class Names(Protocol):
    """What all expressions of one reading share: global names, and what they may still cost."""

    kinds: frozenset[str]

    def value(self, name: str) -> Value:
        """The value of a global name. Raises Wrong."""
        ...

    def block(self, kind: str, path: Sequence[str]) -> tuple[Value, int]:
        """A block, or an attribute of it, that a path below its kind names, and how much of the path that took."""
        ...

    def call(self, name: str, arguments: Sequence[Node], spread: bool, scope: Scope) -> Value:
        """What a function gives for these arguments. Raises Wrong."""
        ...

    def spend(self, work: int) -> None:
        """Count work. Raises TooMuch when a reading has done too much of it."""
        ...


class Scope:
    """The names that an expression sees: its own, above those of all."""

    __slots__ = ("names", "root")

    def __init__(self, root: Names, names: dict[str, Value] | None = None) -> None:
        self.root = root
        self.names = names or {}

    def within(self, names: dict[str, Value]) -> Scope:
        """A scope with more names of its own."""
        return Scope(self.root, {**self.names, **names})


@dataclass(slots=True)
class Node:
    """An expression at an offset."""

    at: int

    def value(self, scope: Scope) -> Value:
        """What it is worth. Raises Wrong."""
        raise NotImplementedError

    def wrong(self, error: Wrong) -> Wrong:
        """An error, placed here where it is placed nowhere."""
        if error.source is None and error.at < 0:
            error.at = self.at
        return error


@dataclass(slots=True)
class Literal(Node):
    """A number, `true`, `false`, `null`, or text without templates."""

    known: Value

    def value(self, scope: Scope) -> Value:
        return self.known


@dataclass(slots=True)
class Template(Node):
    """Text with values in it."""

    parts: Sequence[Node]

    def value(self, scope: Scope) -> Value:
        made = []
        for part in self.parts:
            found = part.value(scope)
            if isinstance(found, str):
                made.append(found)
                continue
            try:
                made.append(text(found))
            except Wrong as error:
                raise part.wrong(error) from None
        whole = bounded("".join(made))
        scope.root.spend(len(whole) + 1)
        return whole


@dataclass(slots=True)
class Path(Node):
    """A name, and the attributes that follow it: `target.app.tags`."""

    name: str
    attributes: list[str] = field(default_factory=list)

    def value(self, scope: Scope) -> Value:
        names = scope.names
        if self.name in names:
            return self._below(names[self.name], self.attributes)
        try:
            if self.name in scope.root.kinds:
                found, taken = scope.root.block(self.name, self.attributes)
                return self._below(found, self.attributes[taken:])
            return self._below(scope.root.value(self.name), self.attributes)
        except Wrong as error:
            raise self.wrong(error) from None

    def _below(self, found: Value, attributes: Sequence[str]) -> Value:
        for name in attributes:
            found = attribute(found, name, self.at)
        return found


def attribute(found: Value, name: str, at: int) -> Value:
    """An attribute of an object, or an element of a map. Raises Wrong."""
    if isinstance(found, dict) and name in found:
        return found[name]
    if found is None:
        raise Wrong(f'null has no attribute "{name}"', at)
    if isinstance(found, dict):
        raise Wrong(f'there is no attribute "{name}"', at)
    raise Wrong(f'{named(found)} has no attribute "{name}"', at)


@dataclass(slots=True)
class Attribute(Node):
    """An attribute of something that is no name."""

    of: Node
    name: str

    def value(self, scope: Scope) -> Value:
        return attribute(self.of.value(scope), self.name, self.at)


@dataclass(slots=True)
class Index(Node):
    """An element: `list[0]`, `map["key"]`."""

    of: Node
    key: Node

    def value(self, scope: Scope) -> Value:
        found, key = self.of.value(scope), self.key.value(scope)
        if key is None:
            raise Wrong("an index is null", self.key.at)
        if isinstance(found, dict):
            try:
                name = text(key)
            except Wrong as error:
                raise self.wrong(error) from None
            if name not in found:
                raise Wrong(f'there is no element "{name}"', self.key.at)
            return found[name]
        try:
            return element(found, number(key))
        except Wrong as error:
            raise self.key.wrong(error) from None


def element(found: Value, index: Value) -> Value:
    """An element of a list or tuple by its number. Raises Wrong."""
    if not isinstance(found, tuple):
        raise Wrong(f"{named(found) if found is not None else 'null'} has no elements")
    if type(index) is not int or not 0 <= index < len(found):
        raise Wrong(f"there is no element with this index: there are {len(found)}")
    return found[index]


@dataclass(slots=True)
class Splat(Node):
    """`list[*].name`: the same of each element; of one value that is no list, as if it were one of one."""

    of: Node
    each: Node

    def value(self, scope: Scope) -> Value:
        found = self.of.value(scope)
        if found is None:
            return ()
        items = found if isinstance(found, tuple) else (found,)
        scope.root.spend(len(items) + 1)
        made = tuple(self.each.value(scope.within({ITEM: item})) for item in items)
        weigh(made)
        return made


@dataclass(slots=True)
class Call(Node):
    """A call of a function; with `spread` the last argument is a list of arguments."""

    name: str
    arguments: Sequence[Node]
    spread: bool = False

    def value(self, scope: Scope) -> Value:
        try:
            return scope.root.call(self.name, self.arguments, self.spread, scope)
        except Wrong as error:
            raise self.wrong(error) from None
