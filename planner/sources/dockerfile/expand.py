"""Expands variables in a word as BuildKit's shell lexer does (`frontend/dockerfile/shell/lex.go`, v0.32.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_DEPTH = 50
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL = "@*#?-$!0"


class ExpansionError(Exception):
    """A word that cannot be expanded; the message says why."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """A value, the names it asked for, and those that had no value, default or alternative."""

    value: str
    used: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


def expand(text: str, variables: Mapping[str, str], escape: str = "\\") -> Expansion:
    """Expand one word: quotes and escapes are taken off. Raises ExpansionError."""
    if not any(letter in text for letter in ("$", "'", '"', escape)):
        return Expansion(text)
    lexer = _Lexer(text, variables, escape, keep_quotes=False)
    return Expansion(lexer.word(), frozenset(lexer.used), frozenset(lexer.unknown))


def expand_heredoc(text: str, variables: Mapping[str, str]) -> Expansion:
    """Expand the body of a here-document: quotes stay, the escape is a backslash (`SkipProcessQuotes`)."""
    if "$" not in text and "\\" not in text:
        return Expansion(text)
    lexer = _Lexer(text, variables, "\\", keep_quotes=True)
    return Expansion(lexer.word(), frozenset(lexer.used), frozenset(lexer.unknown))


class _Lexer:
    def __init__(
        self, text: str, variables: Mapping[str, str], escape: str, *, keep_quotes: bool, depth: int = 0
    ) -> None:
        if depth > MAX_DEPTH:
            raise ExpansionError(f"variables are nested more than {MAX_DEPTH} deep")
        self.text = text
        self.at = 0
        self.variables = variables
        self.escape = escape
        self.keep_quotes = keep_quotes
        self.depth = depth
        self.used: set[str] = set()
        self.unknown: set[str] = set()

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        letter = self._peek()
        self.at += 1
        return letter

    def word(self, stop: str = "") -> str:
        """Everything up to one of the letters in `stop`, which is taken; all that is left when it is empty."""
        out: list[str] = []
        while letter := self._peek():
            if stop and letter in stop:
                self.at += 1
                return "".join(out)
            if letter == "'" and not self.keep_quotes:
                out.append(self._single())
            elif letter == '"' and not self.keep_quotes:
                out.append(self._double())
            elif letter == "$":
                out.append(self._dollar())
            else:
                out.append(self._plain())
        if stop:
            raise ExpansionError(f"unexpected end of statement while looking for {stop}")
        return "".join(out)

    def _plain(self) -> str:
        letter = self._next()
        if letter != self.escape:
            return letter
        following = self._next()
        if not following:
            return ""
        # In a here-document only `\$` and `\\` are escapes; every other backslash stays.
        if self.keep_quotes and following not in ("$", self.escape):
            return letter + following
        return following

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise ExpansionError("unexpected end of statement while looking for matching single-quote")
        body = self.text[self.at + 1 : end]
        self.at = end + 1
        return body

    def _double(self) -> str:
        self.at += 1
        out: list[str] = []
        while letter := self._peek():
            if letter == '"':
                self.at += 1
                return "".join(out)
            if letter == "$":
                out.append(self._dollar())
                continue
            self.at += 1
            if letter == self.escape:
                following = self._peek()
                if not following:
                    out.append(letter)
                elif following in ('"', "$", self.escape):
                    out.append(self._next())
                else:
                    out.append(letter + self._next())
            else:
                out.append(letter)
        raise ExpansionError("unexpected end of statement while looking for matching double-quote")

    def _dollar(self) -> str:
        self.at += 1
        if self._peek() == "{":
            return self._braced()
        name = self._name()
        return self._value(name) if name else "$"

    def _name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found:
            self.at = found.end()
            return found.group()
        if self._peek() and (self._peek().isdigit() or self._peek() in _SPECIAL):
            return self._next()
        return ""

    def _value(self, name: str) -> str:
        self.used.add(name)
        if name not in self.variables:
            self.unknown.add(name)
        return self.variables.get(name, "")

    def _braced(self) -> str:
        self.at += 1
        if not self._peek():
            raise ExpansionError("syntax error: missing '}'")
        if self._peek() in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        name = self._name()
        letter = self._next()
        if letter == "}":
            return self._value(name)
        if letter == ":" and self._peek() and self._peek() in "-+?":
            return self._conditional(name, self._next(), empty_counts=False)
        if letter and letter in "-+?":
            return self._conditional(name, letter, empty_counts=True)
        if letter and letter in "#%":
            return self._trimmed(name, letter)
        if letter == "/":
            return self._replaced(name)
        if not letter:
            raise ExpansionError("syntax error: missing '}'")
        raise ExpansionError(f"unsupported modifier ({letter}) in substitution")

    def _inner(self, stop: str) -> tuple[str, set[str]]:
        """A nested word up to `stop`, with the names that it lacks kept apart until it is known to be used."""
        inner = _Lexer(self.text, self.variables, self.escape, keep_quotes=self.keep_quotes, depth=self.depth + 1)
        inner.at = self.at
        value = inner.word(stop)
        self.at = inner.at
        self.used |= inner.used
        return value, inner.unknown

    def _conditional(self, name: str, sign: str, *, empty_counts: bool) -> str:
        other, lacking = self._inner("}")
        self.used.add(name)
        value = self.variables.get(name)
        is_set = value is not None and (empty_counts or value != "")
        if sign == "-":
            if not is_set:
                self.unknown |= lacking
            return value if is_set and value is not None else other
        if sign == "+":
            if is_set:
                self.unknown |= lacking
            return other if is_set else ""
        if not is_set:
            raise ExpansionError(f"{name}: {other or 'is not allowed to be unset'}")
        return value or ""

    def _trimmed(self, name: str, sign: str) -> str:
        greedy = self._peek() == sign
        if greedy:
            self.at += 1
        pattern, lacking = self._inner("}")
        self.unknown |= lacking
        value = self._value(name)
        lengths = range(len(value), -1, -1) if greedy else range(len(value) + 1)
        compiled = _pattern(pattern)
        for length in lengths:
            piece = value[:length] if sign == "#" else value[len(value) - length :]
            if compiled.fullmatch(piece):
                return value[length:] if sign == "#" else value[: len(value) - length]
        return value

    def _replaced(self, name: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self.at += 1
        pattern, lacking = self._inner("/")
        replacement, more = self._inner("}")
        self.unknown |= lacking | more
        value = self._value(name)
        return _pattern(pattern).sub(lambda _: replacement, value, count=0 if everywhere else 1)


def _pattern(text: str) -> re.Pattern[str]:
    """The shell pattern language of `#`, `%` and `/`: `*`, `?` and a backslash (`convertShellPatternToRegex`)."""
    out: list[str] = []
    letters = iter(text)
    for letter in letters:
        if letter == "*":
            out.append(".*")
        elif letter == "?":
            out.append(".")
        elif letter == "\\":
            out.append(re.escape(next(letters, "\\")))
        else:
            out.append(re.escape(letter))
    if text.count("*") > 10:
        raise ExpansionError("a pattern has more than 10 stars")
    return re.compile("".join(out), re.DOTALL)
