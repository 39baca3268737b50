"""Reads the templates of HCL: quotes, heredocs and the texts of JSON, with `${…}`, `%{if}` and `%{for}` in them."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from planner.sources.doors.bake.operations import Conditional, For, Joined
from planner.sources.doors.bake.syntax import Literal, Node, Template
from planner.sources.doors.bake.tokens import Tokens

_QUOTED = re.compile(r"""(?:[^"\\$%\n]|\$(?!\{|\$\{)|%(?!\{|%\{))+""")
_LINE = re.compile(r"(?:[^$%\n]|\$(?!\{|\$\{)|%(?!\{|%\{))*\n?")
_ESCAPE = re.compile(r"\\(?:([nrt\"\\])|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_NAMED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(slots=True)
class _Part:
    """A piece of a template: text (`kind` is ""), a value, or a directive, with what it holds."""

    kind: str
    at: int
    text: str = ""
    node: Node | None = None
    names: tuple[str, str] = ("", "")


class Templates(Tokens):
    """The part of a parser that reads templates."""

    @abstractmethod
    def expression(self) -> Node:
        """See Expressions."""

    def quoted(self) -> Node:
        """A text in quotes, the opening one being at hand; goes past the closing one."""
        at = self.start
        parts = self._quoted_parts(at)
        self.advance()
        return self._tree(parts, self.shift + at)

    def quoted_literal(self) -> str:
        """A text in quotes that has no values in it; the token at hand is then the closing quote."""
        at = self.start
        parts = self._quoted_parts(at)
        if any(part.kind for part in parts):
            raise self.wrong("a label holds no values", at)
        return "".join(part.text for part in parts)

    def heredoc(self) -> Node:
        """A heredoc whose first line is at hand; goes past its last one."""
        at = self.start
        marker = self.text[2:].strip().removeprefix("-")
        flush = self.text.startswith("<<-")
        parts = self._line_parts(marker, at)
        if flush:
            _flush(parts)
        self.advance()
        return self._tree(parts, self.shift + at)

    def bare(self) -> Node:
        """The whole text as a template: what stands in a string of JSON."""
        return self._tree(self._line_parts("", 0), self.shift)

    def _quoted_parts(self, opened: int) -> list[_Part]:
        parts: list[_Part] = []
        trim = False
        while True:
            at = self.position
            letter = self.code[at : at + 1]
            if letter == '"':
                self.position = self.end = at + 1
                return parts
            if letter in ("", "\n"):
                raise self.wrong("a text is not closed: the quote is missing", opened)
            if (special := self._special(parts)) is not None:
                trim = special
                continue
            text = self._literal_in_quotes()
            parts.append(_Part("", at, text.lstrip() if trim else text))
            trim = False

    def _literal_in_quotes(self) -> str:
        pieces = []
        while True:
            if (found := _QUOTED.match(self.code, self.position)) is not None:
                pieces.append(found[0])
            elif self.code.startswith("\\", self.position):
                found = _ESCAPE.match(self.code, self.position)
                if found is None:
                    hint = r"known are \n \r \t \" \\ \uNNNN and \UNNNNNNNN"
                    raise self.wrong("this escape is not known", self.position, hint)
                number = int(found[2] or found[3] or "0", 16)
                if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
                    raise self.wrong("this escape names no letter", self.position)
                pieces.append(_NAMED[found[1]] if found[1] else chr(number))
            elif self.code.startswith(("$${", "%%{"), self.position):
                pieces.append(self.code[self.position] + "{")
                self.position += 3
                continue
            else:
                return "".join(pieces)
            self.position = found.end()

    def _line_parts(self, marker: str, opened: int) -> list[_Part]:
        """Text by lines, up to a line with the marker alone, or to the end where there is none."""
        parts: list[_Part] = []
        trim, begins = False, True
        while True:
            at = self.position
            if at >= len(self.code):
                if marker:
                    raise self.wrong(f"a heredoc is not closed: {marker} on a line of its own is missing", opened)
                return parts
            if (special := self._special(parts)) is not None:
                trim, begins = special, False
                continue
            text = self._literal_line()
            if marker and begins and text.endswith("\n") and text.strip() == marker:
                self.position = self.end = self.position - (2 if text.endswith("\r\n") else 1)
                return parts
            begins = text.endswith("\n")
            parts.append(_Part("", at, text.lstrip() if trim else text))
            trim = False

    def _literal_line(self) -> str:
        pieces = []
        while True:
            found = _LINE.match(self.code, self.position)
            piece = found[0] if found else ""
            pieces.append(piece)
            self.position += len(piece)
            if piece.endswith("\n") or not self.code.startswith(("$${", "%%{"), self.position):
                return "".join(pieces)
            pieces.append(self.code[self.position] + "{")
            self.position += 3

    def _special(self, parts: list[_Part]) -> bool | None:
        """Reads `${…}` or `%{…}` where one begins; gives whether it trims what follows, None where none begins."""
        at = self.position
        opener = self.code[at : at + 2]
        if opener not in ("${", "%{"):
            return None
        self.position += 2
        if self.code.startswith("~", self.position):
            self.position += 1
            if parts and not parts[-1].kind:
                parts[-1].text = parts[-1].text.rstrip()
        self.lines.append(False)
        self.start = at
        self.advance()
        parts.append(_Part("value", at, node=self.expression()) if opener == "${" else self._directive(at))
        if not (self.is_mark("}") or self.is_mark("~}")):
            what = self.text if self.kind not in ("end", "line") else "the end"
            hint = f"write ${opener} for a text that has {opener} in it" if opener == "${" else ""
            raise self.wrong(f'"{what[:40]}" cannot stand here: }} closes {opener}', hint=hint)
        trims = self.text == "~}"
        self.lines.pop()
        self.position = self.end
        return trims

    def _directive(self, at: int) -> _Part:
        name = self.text if self.kind == "name" else ""
        if name not in ("if", "else", "endif", "for", "endfor"):
            raise self.wrong("a directive is one of if, else, endif, for, endfor")
        self.advance()
        if name == "if":
            return _Part(name, at, node=self.expression())
        if name != "for":
            return _Part(name, at)
        names = [self._name()]
        if self.is_mark(","):
            self.advance()
            names.append(self._name())
        if self.kind != "name" or self.text != "in":
            raise self.wrong('a for needs "in"')
        self.advance()
        return _Part(name, at, node=self.expression(), names=("" if len(names) == 1 else names[0], names[-1]))

    def _name(self) -> str:
        if self.kind != "name":
            raise self.wrong("a for needs a name")
        found = self.text
        self.advance()
        return found

    def _tree(self, parts: Sequence[_Part], at: int) -> Node:
        if len(parts) == 1 and parts[0].kind == "value" and parts[0].node is not None:
            return parts[0].node
        if not any(part.kind for part in parts):
            return Literal(at, "".join(part.text for part in parts))
        nodes, rest = self._nodes(parts, 0, ())
        if rest < len(parts):
            raise self.wrong(f"%{{{parts[rest].kind}}} has nothing that it ends", parts[rest].at)
        return Template(at, tuple(nodes))

    def _nodes(self, parts: Sequence[_Part], index: int, ends: Sequence[str]) -> tuple[list[Node], int]:
        """The nodes up to a directive that ends them, and the index of that."""
        nodes: list[Node] = []
        while index < len(parts) and parts[index].kind not in (ends or ("else", "endif", "endfor")):
            part = parts[index]
            index += 1
            if part.kind == "":
                nodes.append(Literal(self.shift + part.at, part.text))
            elif part.kind == "value" and part.node is not None:
                nodes.append(part.node)
            elif part.kind in ("if", "for") and part.node is not None:
                self.deeper(part.at)
                node, index = self._if(parts, index, part) if part.kind == "if" else self._for_each(parts, index, part)
                self.depth -= 1
                nodes.append(node)
            else:
                raise self.wrong(f"%{{{part.kind}}} cannot stand here", part.at)
        return nodes, index

    def _if(self, parts: Sequence[_Part], index: int, opener: _Part) -> tuple[Node, int]:
        at = self.shift + opener.at
        yes, index = self._nodes(parts, index, ("else", "endif"))
        no: list[Node] = []
        if index < len(parts) and parts[index].kind == "else":
            no, index = self._nodes(parts, index + 1, ("endif",))
        if index >= len(parts) or opener.node is None:
            raise self.wrong("%{if} is not closed: %{endif} is missing", opener.at)
        return Conditional(at, opener.node, Template(at, tuple(yes)), Template(at, tuple(no))), index + 1

    def _for_each(self, parts: Sequence[_Part], index: int, opener: _Part) -> tuple[Node, int]:
        at = self.shift + opener.at
        inner, index = self._nodes(parts, index, ("endfor",))
        if index >= len(parts) or opener.node is None:
            raise self.wrong("%{for} is not closed: %{endfor} is missing", opener.at)
        key, item = opener.names
        return Joined(at, For(at, key, item, opener.node, None, Template(at, tuple(inner)), None)), index + 1


def _flush(parts: Sequence[_Part]) -> None:
    """Take from all lines of a `<<-` heredoc the spaces that the least indented one has."""
    begins = True
    least = -1
    adjusted: list[_Part] = []
    for part in parts:
        if begins:
            begins = False
            stripped = part.text.lstrip()
            if part.kind:
                least = 0
            elif stripped or not part.text.endswith("\n"):
                spaces = len(part.text) - len(stripped)
                adjusted.append(part)
                least = spaces if least < 0 else min(least, spaces)
        if not part.kind and part.text.endswith("\n"):
            begins = True
    for part in adjusted:
        part.text = part.text[max(least, 0) :]
