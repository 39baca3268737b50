"""Turns the text of a `.env` file into variables, as dotenv/parser.go of compose-go v2.13.0 reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.errors import DefinitionError, Mistake
from planner.sources.doors.compose.template import Lookup, TemplateError, fill

_EXPORT = re.compile(r"export[\t\n\f\r ]+")
_BLANK = "\t\v\f\r \x85\xa0"
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0\d{0,3})')
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}


def read(data: bytes, file: str, known: Mapping[str, str], lookup: Lookup) -> dict[str, str]:
    """The variables of a file over those `known` from files before it; values may name variables that `lookup` has.

    Raises DefinitionError.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DefinitionError([Mistake(file=file, what="is not UTF-8")]) from error
    return _Parser(text, file, dict(known), lookup).variables()


class _Parser:
    def __init__(self, text: str, file: str, found: dict[str, str], lookup: Lookup) -> None:
        self.text = text
        self.file = file
        self.found = found
        self.lookup = lookup
        self.at = 0

    def variables(self) -> dict[str, str]:
        while self._is_at_statement():
            name, is_taken_over = self._name()
            if is_taken_over:
                value = self.lookup(name)
                if value is not None:
                    self.found[name] = value
            else:
                self.found[name] = self._value()
        return self.found

    def _is_at_statement(self) -> bool:
        while True:
            while self.at < len(self.text) and self.text[self.at].isspace():
                self.at += 1
            if not self.text.startswith("#", self.at):
                return self.at < len(self.text)
            self.at = self._line_end()

    def _line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def _name(self) -> tuple[str, bool]:
        """The name of a variable, and whether it is given alone, to be taken over from the environment."""
        if (export := _EXPORT.match(self.text, self.at)) is not None:
            self.at = export.end()
        start = self.at
        for at in range(start, len(self.text)):
            letter = self.text[at]
            if letter in "=:\n":
                name = self.text[start:at].rstrip()
                if " " in name:
                    raise self._refused(f'"{name}" has a space in its name')
                self.at = at + 1
                while self.text[self.at : self.at + 1] and self.text[self.at] in _BLANK:
                    self.at += 1
                return name, letter == "\n"
            if letter not in _BLANK and letter not in "_.-[]" and not (letter.isalpha() or letter.isnumeric()):
                raise self._refused(f"{letter!r} can stand in no name")
        # Without a line's end the library finds no name here, and gives the empty one the rest as its value.
        return "", False

    def _value(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if not quote or quote not in "\"'":
            end = self._line_end()
            value = self.text[self.at : end].partition(" #")[0].rstrip()
            value = self._filled(value)
            self.at = end + 1
            return value
        letters: list[str] = []
        at = self.at + 1
        while at < len(self.text) and self.text[at] != quote:
            if self.text[at] == "\\" and at + 1 < len(self.text):
                following = self.text[at + 1]
                letters.append(following if following == quote else f"\\{following}")
                at += 2
                continue
            letters.append(self.text[at])
            at += 1
        if at >= len(self.text):
            raise self._refused("a quote is not closed")
        value = "".join(letters)
        if quote == '"':
            value = self._filled(_ESCAPE.sub(_unescaped, value))
        self.at = at + 1
        return value

    def _filled(self, value: str) -> str:
        def look(name: str) -> str | None:
            outer = self.lookup(name)
            return self.found.get(name) if outer is None else outer

        try:
            return fill(value, look)
        except TemplateError as error:
            raise self._refused(error.what, error.hint) from error

    def _refused(self, what: str, hint: str = "") -> DefinitionError:
        line = self.text.count("\n", 0, self.at) + 1
        return DefinitionError([Mistake(file=self.file, line=line, what=what, hint=hint)])


def _unescaped(match: re.Match[str]) -> str:
    text = match[0][1:]
    if text == "$":
        return "$$"
    if text[0] == "0":
        digits = text[1:]
        is_octal = len(digits) == 3 and all(digit in "01234567" for digit in digits) and int(digits, 8) < 256
        return chr(int(digits, 8)) if is_octal else match[0]
    return _ESCAPES.get(text, match[0])
