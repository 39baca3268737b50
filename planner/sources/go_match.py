"""Go's `path/filepath.Match`: the pattern language of COPY and ADD sources, matched on one path component."""

from __future__ import annotations

from functools import lru_cache

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go calls white space; Python's own idea of it has four control characters more."""


class BadPattern(Exception):
    """A pattern that Go refuses: an open bracket, or a backslash at its end."""


Class = tuple[bool, tuple[tuple[str, str], ...]]
Token = str | Class | None
"""A literal letter, a class (negated, ranges), or None for `*`. `?` is the class of everything but `/`."""

ANY: Class = (True, (("/", "/"),))


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name matches. Raises BadPattern. Time is bounded by len(pattern) * len(name)."""
    tokens = _tokens(pattern)
    at = mark = 0
    star = -1
    position = 0
    while at < len(name):
        token = tokens[position] if position < len(tokens) else ""
        if position < len(tokens) and token is None:
            star, mark = position, at
            position += 1
        elif position < len(tokens) and token is not None and _one(token, name[at]):
            position += 1
            at += 1
        elif star >= 0:
            mark += 1
            at, position = mark, star + 1
        else:
            return False
    return all(token is None for token in tokens[position:])


def _one(token: str | Class, letter: str) -> bool:
    if isinstance(token, str):
        return token == letter
    negated, ranges = token
    return any(low <= letter <= high for low, high in ranges) != negated


@lru_cache(maxsize=1024)
def _tokens(pattern: str) -> tuple[Token, ...]:
    tokens: list[Token] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "*":
            if not tokens or tokens[-1] is not None:
                tokens.append(None)
            at += 1
        elif letter == "?":
            tokens.append(ANY)
            at += 1
        elif letter == "[":
            found, at = read_class(pattern, at + 1)
            tokens.append(found)
        else:
            single, at = _letter(pattern, at)
            tokens.append(single)
    return tuple(tokens)


def _letter(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\":
        at += 1
    if at >= len(pattern):
        raise BadPattern(pattern)
    return pattern[at], at + 1


def read_class(pattern: str, at: int) -> tuple[Class, int]:
    """Read a class from behind its `[`; the position behind its `]`. Raises BadPattern."""
    negated = pattern[at : at + 1] == "^"
    at += negated
    ranges: list[tuple[str, str]] = []
    while not (pattern[at : at + 1] == "]" and ranges):
        low, at = _bound(pattern, at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = _bound(pattern, at + 1)
        ranges.append((low, high))
    return (negated, tuple(ranges)), at + 1


def _bound(pattern: str, at: int) -> tuple[str, int]:
    """One end of a range; `-` and `]` must be escaped here (Go's `getEsc`)."""
    if at >= len(pattern) or pattern[at] in "-]":
        raise BadPattern(pattern)
    letter, at = _letter(pattern, at)
    if at >= len(pattern):
        raise BadPattern(pattern)
    return letter, at
