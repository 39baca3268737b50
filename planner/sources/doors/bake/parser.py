"""Turns a file in the native syntax of HCL into a body: settings and blocks."""

from __future__ import annotations

from planner.sources.doors.bake.body import Block, Body, Setting
from planner.sources.doors.bake.expressions import Expressions


class Parser(Expressions):
    """Reads one text; see Tokens."""

    def body(self, end: str = "end") -> Body:
        """Settings and blocks up to the closing bracket, or the end of the text."""
        found = Body(source=self.source, at=self.start)
        while True:
            while self.kind == "line":
                self.advance()
            if self.kind == "end" or (end == "}" and self.is_mark("}")):
                if self.kind != end and not self.is_mark(end):
                    raise self.wrong("a block is not closed: } is missing")
                return found
            if self.kind != "name":
                raise self.wrong(f"{self.shown()} cannot stand here: a name begins each setting and block")
            self._item(found)

    def _item(self, into: Body) -> None:
        name, at = self.text, self.start
        self.advance()
        if self.is_mark("="):
            self.advance()
            expression = self.expression()
            if name in into.settings:
                raise self.wrong(f'"{name}" is set twice', at, "keep one of them")
            into.settings[name] = Setting(name=name, node=expression, at=at, source=self.source)
        else:
            into.blocks.append(self._block(name, at))
        if self.kind not in ("line", "end") and not self.is_mark("}"):
            raise self.wrong(f"{self.shown()} cannot stand here: a new line is needed")

    def _block(self, kind: str, at: int) -> Block:
        labels: list[str] = []
        while not self.is_mark("{"):
            if self.kind == "plain":
                labels.append(self.text[1:-1])
            elif self.kind == "name":
                labels.append(self.text)
            elif self.is_mark('"'):
                labels.append(self.quoted_literal())
            else:
                raise self.wrong(f"{self.shown()} cannot stand here: {kind} needs = or a block")
            self.advance()
        self.open(lines=True)
        body = self.body("}") if self.kind == "line" else self._one_line()
        self.close("}", "a block")
        return Block(kind=kind, labels=tuple(labels), body=body, at=at, source=self.source)

    def _one_line(self) -> Body:
        """The body of a block on one line, which holds one setting or nothing."""
        found = Body(source=self.source, at=self.start)
        if self.kind == "name":
            self._item(found)
            if found.blocks or not self.is_mark("}"):
                raise self.wrong(f"{self.shown()} cannot stand here: a block on one line holds one setting, then }}")
        return found
