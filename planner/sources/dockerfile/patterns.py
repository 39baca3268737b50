"""Shell patterns as `${x#p}`, `${x%p}` and `${x/p/r}` use them: `*`, `?` and escapes, applied to a value.

Matches as BuildKit does, which hands the pattern to Go's regular expressions: `*` and `?` stop at a line break. Every
match is charged to a budget, so that no pattern can take long.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.frozen import dataclass
from planner.sources.dockerfile.refusal import ExpansionError, shown

_BUDGET = 1_000_000
_MANY = "*"
_ONE = "?"
_SPECIAL = frozenset("*?\\")


@dataclass(frozen=True, slots=True)
class _Token:
    char: str
    wild: bool = False


class _Matcher:
    """Finds where a pattern ends in one value, counting its steps."""

    def __init__(self, pattern: str, value: str) -> None:
        self.tokens = _tokens(pattern)
        self.value = value
        self.left = _BUDGET

    def ends(self, start: int) -> list[int]:
        """Every place where a match that begins at `start` can end, in rising order."""
        found = []
        live = self._open({0})
        for at in range(start, len(self.value) + 1):
            self._pay(len(live) + 1)
            if len(self.tokens) in live:
                found.append(at)
            if at == len(self.value) or not live:
                break
            live = self._open(self._step(live, self.value[at]))
        return found

    def _open(self, live: set[int]) -> set[int]:
        """A `*` may also match nothing."""
        reached = set()
        for place in live:
            while place not in reached:
                reached.add(place)
                if place == len(self.tokens) or self.tokens[place] != _Token(_MANY, True):
                    break
                self._pay(1)
                place += 1
        return reached

    def _step(self, live: set[int], char: str) -> set[int]:
        after = set()
        for place in live:
            if place == len(self.tokens):
                continue
            token = self.tokens[place]
            if char == token.char if not token.wild else char != "\n":
                after.add(place if token == _Token(_MANY, True) else place + 1)
        return after

    def _pay(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise ExpansionError("the pattern in ${…} takes too long to match")


def without_prefix(pattern: str, value: str, *, longest: bool) -> str:
    """The value without its shortest or longest beginning that matches."""
    ends = _Matcher(pattern, value).ends(0)
    return value[ends[-1 if longest else 0] :] if ends else value


def without_suffix(pattern: str, value: str, *, longest: bool) -> str:
    """The value without its shortest or longest end that matches."""
    return without_prefix(_reversed(pattern), value[::-1], longest=longest)[::-1]


def replaced_once(pattern: str, value: str, replacement: str) -> str:
    """The value with the first longest match replaced; the replacement is taken as it is."""
    matcher = _Matcher(pattern, value)
    for start in range(len(value) + 1):
        if ends := matcher.ends(start):
            return value[:start] + replacement + value[ends[-1] :]
    return value


def replaced_everywhere(pattern: str, value: str, replacement: str, limit: int) -> str:
    """The value with every match replaced. BuildKit lets `$0` in the replacement stand for the match.

    Raises ExpansionError where it comes to more than `limit` letters.
    """
    matcher = _Matcher(pattern, value)
    parts: list[str] = []
    size = done = start = 0
    while start <= len(value):
        ends = matcher.ends(start)
        if not ends:
            start += 1
            continue
        end = ends[-1]
        parts.append(value[done:start])
        if end > done or start == 0:
            parts.append(_filled(replacement, value[start:end]))
        size += len(parts[-1])
        if size > limit:
            raise ExpansionError(f"${{…}} expands to more than {limit} characters")
        done, start = end, max(end, start + 1)
    return "".join(parts) + value[done:]


def _tokens(pattern: str) -> tuple[_Token, ...]:
    tokens = []
    chars = iter(pattern)
    for char in chars:
        if char in (_MANY, _ONE):
            tokens.append(_Token(char, wild=True))
            continue
        if char == "\\":
            char = next(chars, "")
            # `}` and `/` had to be escaped for the sake of `${…}`; the escape is no part of the pattern.
            if (char not in _SPECIAL and char not in ("}", "/")) or not char:
                raise ExpansionError(f"invalid escape \\{char} in the pattern {shown(pattern)}")
        tokens.append(_Token(char))
    return tuple(tokens)


def _reversed(pattern: str) -> str:
    """The pattern back to front, each escape still before what it escapes."""
    pieces = []
    at = 0
    while at < len(pattern):
        width = 2 if pattern[at] == "\\" else 1
        pieces.append(pattern[at : at + width])
        at += width
    return "".join(reversed(pieces))


def _filled(template: str, match: str) -> str:
    """Go's replacement templates: `$$` is a dollar, `$0` the match, any other `$name` nothing."""
    head, *pieces = template.split("$")
    parts = [head]
    rest: Sequence[str] = pieces
    while rest:
        piece, rest = rest[0], rest[1:]
        if not piece and rest:
            parts.append("$" + rest[0])
            rest = rest[1:]
            continue
        name, after = _name(piece)
        parts.append(f"${piece}" if name is None else (match if name == "0" else "") + after)
    return "".join(parts)


def _name(piece: str) -> tuple[str | None, str]:
    """The name at the start of what follows a dollar, and the rest; None where there is no valid one."""
    braced = piece.startswith("{")
    start = end = int(braced)
    while end < len(piece) and (piece[end].isalpha() or piece[end].isdecimal() or piece[end] == "_"):
        end += 1
    if end == start or (braced and not piece.startswith("}", end)):
        return None, ""
    return piece[start:end], piece[end + int(braced) :]
