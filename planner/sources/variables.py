"""Puts values in the place of `${NAME}` and `${NAME:-default}` in the texts of a graph file; `$$` is a dollar."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.errors import one_of

_PLACE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^${}]*))?\}|(\{|[A-Za-z_]))")


class Undeclared(Exception):
    """A text names a variable that nobody declared; `hint` is a name that is near."""

    def __init__(self, what: str, hint: str) -> None:
        self.what = what
        self.hint = hint
        super().__init__(what)


def substitute(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in. Raises Undeclared."""

    def place(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        if match[3]:
            raise Undeclared(f'"{text}" has a $ that begins no variable', "write ${NAME}, or $$ for a dollar")
        name = match[1]
        if name in values and (values[name] or match[2] is None):
            return values[name]
        if match[2] is not None:
            return match[2]
        raise Undeclared(f"${{{name}}} is not declared", one_of(name, list(values)))

    return _PLACE.sub(place, text)
