"""Turns the native syntax of HCL into expressions, by the precedence of its operators."""

from __future__ import annotations

from planner.sources.doors.bake.number import parsed
from planner.sources.doors.bake.operations import Binary, Conditional, For, ObjectOf, TupleOf, Unary
from planner.sources.doors.bake.syntax import ITEM, Attribute, Call, Index, Literal, Node, Path, Splat
from planner.sources.doors.bake.templates import Templates

_RANKS = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}  # fmt: skip


class Expressions(Templates):
    """The part of a parser that reads expressions."""

    def whole_expression(self) -> Node:
        """The text as one expression."""
        self.lines = [False]
        self.advance()
        found = self.expression()
        if self.kind != "end":
            raise self.wrong(f"{self.shown()} cannot stand after an expression")
        return found

    def expression(self) -> Node:
        """An expression, with the choice that may follow it."""
        at = self.start
        self.deeper(at)
        found = self._binary(1)
        if self.is_mark("?"):
            self.advance()
            yes = self.expression()
            self.expect(":", "a choice")
            found = Conditional(self.shift + at, found, yes, self.expression())
        self.depth -= 1
        return found

    def _binary(self, rank: int) -> Node:
        left = self._term()
        count = 0
        while self.kind == "mark" and (own := _RANKS.get(self.text, 0)) >= rank:
            count = self.counted(count, "operators")
            operator, at = self.text, self.start
            self.advance()
            left = Binary(self.shift + at, operator, left, self._binary(own + 1))
        return left

    def _term(self) -> Node:
        at = self.start
        if self.kind == "mark" and self.text in ("-", "!"):
            operator = self.text
            self.deeper(at)
            self.advance()
            found = Unary(self.shift + at, operator, self._term())
            self.depth -= 1
            return found
        return self._followed(self._atom())

    def _atom(self) -> Node:
        at, kind, text = self.shift + self.start, self.kind, self.text
        if kind == "plain":
            self.advance()
            return Literal(at, text[1:-1])
        if kind == "name":
            return self._named()
        if kind == "number":
            self.advance()
            known = parsed(text)
            if known is None:
                raise self.wrong(f'"{text}" is no number', at - self.shift)
            return Literal(at, known)
        if kind == "heredoc":
            return self.heredoc()
        if kind == "mark":
            if text == '"':
                return self.quoted()
            if text == "(":
                self.open(lines=False)
                inner = self.expression()
                self.close(")", "a bracket")
                return inner
            if text == "[":
                return self._tuple()
            if text == "{":
                return self._object()
        raise self.wrong(f"{self.shown()} cannot stand here: an expression is needed")

    def _named(self) -> Node:
        at, name = self.shift + self.start, self.text
        self.advance()
        if self.is_mark("::"):
            raise self.wrong("functions of other namespaces are not known to Bake")
        if self.is_mark("("):
            return self._call(name, at)
        constants = {"true": True, "false": False, "null": None}
        if name in constants:
            return Literal(at, constants[name])
        return Path(at, name)

    def _call(self, name: str, at: int) -> Node:
        self.open(lines=False)
        arguments: list[Node] = []
        spread = False
        while not self.is_mark(")"):
            arguments.append(self.expression())
            if self.is_mark("..."):
                spread = True
                self.advance()
                break
            if not self.is_mark(","):
                break
            self.advance()
        self.close(")", f"the call of {name}")
        return Call(at, name, tuple(arguments), spread)

    def _followed(self, found: Node) -> Node:
        """What follows a term: attributes, indexes and splats."""
        count = 0
        while self.kind == "mark" and self.text in (".", "["):
            count = self.counted(count, "steps")
            at = self.shift + self.start
            found = self._dotted(found, at) if self.text == "." else self._indexed(found, at)
        return found

    def _dotted(self, found: Node, at: int) -> Node:
        self.advance()
        if self.kind == "name":
            return self._attribute(found, at)
        if self.kind == "number":
            return self._numbered(found, at)
        if not self.is_mark("*"):
            raise self.wrong(f"{self.shown()} cannot stand after a dot")
        self.advance()
        each: Node = Path(at, ITEM)
        count = 0
        while self.is_mark("."):
            count = self.counted(count, "steps")
            self.advance()
            if self.kind == "number":
                each = self._numbered(each, at)
            elif self.kind == "name":
                each = self._attribute(each, at)
            else:
                raise self.wrong(f"{self.shown()} cannot stand after a dot of a splat")
        return Splat(at, found, each)

    def _attribute(self, found: Node, at: int) -> Node:
        name = self.text
        self.advance()
        if isinstance(found, Path):
            found.attributes.append(name)
            return found
        return Attribute(at, found, name)

    def _numbered(self, found: Node, at: int) -> Node:
        """`list.0`, the index of old."""
        if not self.text.isdecimal() or len(self.text) > 9:
            raise self.wrong(f'"{self.text}" is no index', hint="write indexes as [0][1]")
        found = Index(at, found, Literal(at, int(self.text)))
        self.advance()
        return found

    def _indexed(self, found: Node, at: int) -> Node:
        self.open(lines=False)
        if self.is_mark("*"):
            self.advance()
            self.close("]", "a splat")
            return Splat(at, found, self._followed(Path(at, ITEM)))
        key = self.expression()
        self.close("]", "an index")
        return Index(at, found, key)

    def _tuple(self) -> Node:
        at = self.shift + self.start
        self.open(lines=False)
        if self.kind == "name" and self.text == "for":
            return self._for(at, "]")
        items: list[Node] = []
        while not self.is_mark("]"):
            items.append(self.expression())
            if not self.is_mark(","):
                break
            self.advance()
        self.close("]", "a list")
        return TupleOf(at, tuple(items))

    def _object(self) -> Node:
        at = self.shift + self.start
        self.open(lines=True)
        self._skip_lines()
        if self.kind == "name" and self.text == "for":
            self.lines[-1] = False
            return self._for(at, "}")
        items: list[tuple[Node, Node]] = []
        while True:
            self._skip_lines()
            if self.is_mark("}"):
                break
            items.append(self._pair())
            if self.is_mark(","):
                self.advance()
            elif self.kind != "line" and not self.is_mark("}"):
                raise self.wrong(f"{self.shown()} cannot stand here: a comma or a new line is needed")
        self.close("}", "an object")
        return ObjectOf(at, tuple(items))

    def _skip_lines(self) -> None:
        while self.kind == "line":
            self.advance()

    def _pair(self) -> tuple[Node, Node]:
        is_bare = self.kind == "name"
        key = self.expression()
        if isinstance(key, Path) and is_bare:
            if key.attributes:
                raise self.wrong("a key with a dot needs quotes", key.at - self.shift)
            key = Literal(key.at, key.name)
        elif isinstance(key, Literal) and is_bare:
            key = Literal(key.at, {True: "true", False: "false", None: "null"}[key.known])
        if not (self.is_mark("=") or self.is_mark(":")):
            raise self.wrong(f"{self.shown()} cannot stand here: a key needs = or : after it")
        self.advance()
        return key, self.expression()

    def _for(self, at: int, end: str) -> Node:
        self.advance()
        first = self._variable()
        second = ""
        if self.is_mark(","):
            self.advance()
            second = self._variable()
        if self.kind != "name" or self.text != "in":
            raise self.wrong(f'{self.shown()} cannot stand here: a for needs "in"')
        self.advance()
        of = self.expression()
        self.expect(":", "a for")
        result = self.expression()
        key = None
        if end == "}":
            self.expect("=>", "a for that makes an object")
            key, result = result, self.expression()
        group = False
        if self.is_mark("...") and end == "}":
            group = True
            self.advance()
        only = None
        if self.kind == "name" and self.text == "if":
            self.advance()
            only = self.expression()
        self.close(end, "a for")
        return For(at, first if second else "", second or first, of, key, result, only, group)

    def _variable(self) -> str:
        if self.kind != "name":
            raise self.wrong(f"{self.shown()} cannot stand here: a for needs a name")
        name = self.text
        self.advance()
        return name
