"""Turns a position in a query into the error that points at it."""

from __future__ import annotations

from planner.errors import Mistake, QueryError

AROUND = 100
"""Letters of a long line that are shown on each side of the caret."""
LONGEST = 400
"""Letters of a sentence."""


def wrong(text: str, at: int, what: str, hint: str = "") -> QueryError:
    """The error that points at one letter of a query; of a long line the letters around it are shown."""
    at = min(at, len(text))
    what, hint = _readable(what), _readable(hint)
    line = text.count("\n", 0, at) + 1
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    shown = "".join(letter if letter.isprintable() else " " for letter in text[start : end if end >= 0 else None])
    column = at - start
    cut = max(column - AROUND, 0)
    window = shown[cut : column + AROUND]
    source = ("…" if cut else "") + window + ("…" if column + AROUND < len(shown) else "")
    caret = column - cut + (1 if cut else 0)
    place = f"query:{line}:{column + 1}"
    return QueryError(Mistake(file=place, what=what, hint=hint), source_line=source, caret=caret)


def _readable(sentence: str) -> str:
    """What a query says may stand in its errors, but neither control characters nor at any length."""
    told = "".join(letter if letter.isprintable() else "?" for letter in sentence)
    return told if len(told) <= LONGEST else told[:LONGEST] + "…"
