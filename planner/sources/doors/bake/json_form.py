"""Turns Bake's JSON into the same bodies as its HCL: objects are blocks or settings, texts are templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planner.sources.doors.bake.body import Block, Body, Setting
from planner.sources.doors.bake.number import parsed
from planner.sources.doors.bake.operations import ObjectOf, TupleOf
from planner.sources.doors.bake.parser import Parser
from planner.sources.doors.bake.syntax import Literal, Node, Scope
from planner.sources.doors.bake.tokens import MAX_DEPTH
from planner.sources.doors.bake.trouble import Source, TooMuch, Wrong
from planner.sources.doors.bake.values import Value

_SPACE = re.compile(r"[ \t\r\n]*")
_TEXT = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*)"')
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
_WORD = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

LABELS: Mapping[str, int] = {"variable": 1, "function": 1, "group": 1, "target": 1}
"""The blocks of a file, and how many labels each has."""
INNER: Mapping[str, int] = {"validation": 0}
"""The blocks within a variable."""


@dataclass(slots=True)
class Object:
    """An object of JSON with its members in order; names may come twice."""

    at: int
    members: list[tuple[str, int, Any]]


@dataclass(slots=True)
class Array:
    """An array of JSON."""

    at: int
    items: list[Any]


@dataclass(slots=True)
class JsonText(Node):
    """A string of JSON, whose text is a template; where a keyword or a call is asked for, it is an expression."""

    text: str
    source: Source

    def value(self, scope: Scope) -> Value:
        if "${" not in self.text and "%{" not in self.text:
            return self.text
        return Parser(self.source, self.at + 1, text=self.text).bare().value(scope)

    def expression(self) -> Node:
        """The text as an expression. Raises Wrong."""
        return Parser(self.source, self.at + 1, text=self.text).whole_expression()


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.position = 0
        self.depth = 0

    def wrong(self, what: str) -> Wrong:
        return Wrong(f"is no JSON: {what}", self.position, "", self.source)

    def letter(self) -> str:
        found = _SPACE.match(self.source.text, self.position)
        self.position = found.end() if found else self.position
        return self.source.text[self.position : self.position + 1]

    def take(self, letter: str) -> None:
        if self.letter() != letter:
            raise self.wrong(f"{letter} is missing")
        self.position += 1

    def item(self) -> Any:
        letter = self.letter()
        at = self.position
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooMuch(f"is nested more than {MAX_DEPTH} deep", at, "", self.source)
        found: Any
        if letter == "{":
            found = Object(at, list(self._listed("}", self._member)))
        elif letter == "[":
            found = Array(at, list(self._listed("]", self.item)))
        elif letter == '"':
            found = JsonText(at, self.text(), self.source)
        else:
            found = self._word(at)
        self.depth -= 1
        return found

    def _listed(self, end: str, read: Any) -> Iterator[Any]:
        self.position += 1
        if self.letter() == end:
            self.position += 1
            return
        while True:
            yield read()
            if self.letter() == end:
                self.position += 1
                return
            self.take(",")

    def _member(self) -> tuple[str, int, Any]:
        if self.letter() != '"':
            raise self.wrong("a name in quotes is missing")
        at = self.position
        name = self.text()
        self.take(":")
        return name, at, self.item()

    def text(self) -> str:
        found = _TEXT.match(self.source.text, self.position)
        if found is None:
            raise self.wrong("a text is not closed, or has a letter that needs an escape")
        self.position = found.end()
        if "\\" not in found[1]:
            return found[1]
        text = _ESCAPE.sub(lambda one: chr(int(one[1], 16)) if one[1] else _LETTERS.get(one[2], one[2]), found[1])
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _word(self, at: int) -> Literal:
        found = _WORD.match(self.source.text, at)
        if found is None:
            raise self.wrong("a value is missing")
        self.position = found.end()
        words = {"true": True, "false": False, "null": None}
        return Literal(at, words[found[0]] if found[0] in words else parsed(found[0]))


def read(source: Source) -> Body:
    """The body of a whole file. Raises Wrong."""
    reader = _Reader(source)
    root = reader.item()
    if reader.letter():
        raise reader.wrong("something stands after the end")
    return _body(root, source, LABELS)


def _body(found: Any, source: Source, labels: Mapping[str, int]) -> Body:
    body = Body(source=source, at=found.at)
    for name, at, item in _members(found, source):
        if name == "//":
            continue
        if name in labels:
            body.blocks.extend(_blocks(item, source, name, labels[name], (), at))
        elif name in body.settings:
            raise Wrong(f'"{name}" is set twice', at, "keep one of them", source)
        else:
            body.settings[name] = Setting(name=name, node=node_of(item, source), at=at, source=source)
    return body


def _members(found: Any, source: Source) -> Iterator[tuple[str, int, Any]]:
    """The members of an object, or of all the objects of an array."""
    if isinstance(found, Object):
        yield from found.members
    elif isinstance(found, Array):
        for item in found.items:
            if not isinstance(item, Object):
                raise Wrong("an object is needed here", item.at, "", source)
            yield from item.members
    elif not (isinstance(found, Literal) and found.known is None):
        raise Wrong("an object is needed here", found.at, "", source)


def _blocks(found: Any, source: Source, kind: str, labels: int, above: tuple[str, ...], place: int) -> Iterator[Block]:
    if labels:
        for name, at, item in _members(found, source):
            yield from _blocks(item, source, kind, labels - 1, (*above, name), at)
        return
    inner = INNER if kind == "variable" else {}
    for item in found.items if isinstance(found, Array) else [found]:
        if isinstance(item, Literal) and item.known is None:
            continue
        yield Block(kind=kind, labels=above, body=_body(item, source, inner), at=place, source=source)


def node_of(found: Any, source: Source) -> Node:
    """A value of JSON as an expression."""
    if isinstance(found, Array):
        return TupleOf(found.at, tuple(node_of(item, source) for item in found.items))
    if isinstance(found, Object):
        pairs = tuple((JsonText(at, name, source), node_of(item, source)) for name, at, item in found.members)
        return ObjectOf(found.at, pairs)
    node: Node = found
    return node
