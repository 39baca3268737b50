"""Puts variables into the texts of Compose files and of `.env` files: `$NAME`, `${NAME}`, and what `${NAME…}` offers.

Follows template.go of compose-go v2.13.0, surprises included. Knows nothing of where values come from.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_LENGTH = 1 << 20
MAX_DEPTH = 40
_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATOR = re.compile(r":?[-+?]")

Lookup = Callable[[str], str | None]


class TemplateError(Exception):
    """A text that cannot be filled in: what is wrong, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        self.hint = hint
        super().__init__(what)


def fill(text: str, lookup: Lookup) -> str:
    """The text with its variables filled in; one that is not set is empty. Raises TemplateError."""
    return _fill(text, lookup, 0) if "$" in text else text


def _fill(text: str, lookup: Lookup, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise TemplateError(f"has variables within variables more than {MAX_DEPTH} deep")
    made: list[str] = []
    length = done = 0
    while (at := text.find("$", done)) >= 0:
        piece, after = _one(text, at, lookup, depth)
        made += (text[done:at], piece)
        length += at - done + len(piece)
        done = after
        if length > MAX_LENGTH:
            raise TemplateError(f"is longer than {MAX_LENGTH} letters with its variables filled in")
    return "".join((*made, text[done:]))


def _one(text: str, at: int, lookup: Lookup, depth: int) -> tuple[str, int]:
    """What a dollar stands for, and where the text goes on."""
    following = text[at + 1 : at + 2]
    if following == "$":
        return "$", at + 2
    if following != "{":
        name = _NAME.match(text, at + 1)
        return ("$", at + 1) if name is None else (lookup(name[0]) or "", name.end())
    name = _NAME.match(text, at + 2)
    if name is None:
        raise _malformed(text)
    if text[name.end() : name.end() + 1] == "}":
        return lookup(name[0]) or "", name.end() + 1
    operator = _OPERATOR.match(text, name.end())
    end = -1 if operator is None else _closing(text, at)
    if operator is None or end < 0:
        raise _malformed(text)
    return _offered(name[0], operator[0], text[operator.end() : end], lookup, depth), end + 1


def _closing(text: str, at: int) -> int:
    """Where the brace closes that opens after the dollar at `at`: on the same line, or -1."""
    line = text.find("\n", at)
    line = len(text) if line < 0 else line
    opened = 0
    place = at
    while place < line:
        letter = text[place]
        if letter == "}":
            opened -= 1
            if not opened:
                return place
        elif letter == "{":
            opened += 1
            place += 1  # What stands right after a brace is never taken for one.
        place += 1
    return text.rfind("}", at, line)


def _offered(name: str, operator: str, rest: str, lookup: Lookup, depth: int) -> str:
    value = lookup(name)
    absent = value is None or (operator[0] == ":" and not value)
    match operator[-1]:
        case "-":
            return _fill(rest, lookup, depth + 1) if absent else value or ""
        case "+":
            return value or "" if absent else _fill(rest, lookup, depth + 1)
    if absent:
        reason = _fill(rest, lookup, depth + 1)
        raise TemplateError(
            f"the variable {name} is required{f': {reason}' if reason else ''}",
            f"set {name} in the environment or in the .env file beside the Compose file",
        )
    return value or ""


def _malformed(text: str) -> TemplateError:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return TemplateError(f'"{shown}" has a $ that begins no variable', "write ${NAME}, or $$ for a dollar")
