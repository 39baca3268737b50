"""Walks through a text as BuildKit's shell lexer does: quotes, escapes, `$x` and `${x…}`, and splitting into words.

Follows frontend/dockerfile/shell/lex.go at v0.32.2, surprises included; `expand` offers it in the shapes that are
needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from planner.model.frozen import dataclass
from planner.sources.dockerfile import patterns
from planner.sources.dockerfile.refusal import ExpansionError, shown
from planner.sources.go_match import SPACES

MAX_GROWTH = 128 * 1024
"""How many characters variables may add to one text: what Linux allows for one environment variable."""
MAX_DEPTH = 50
"""How deep `${a:-${b:-…}}` may nest."""

_SPECIAL_PARAMETERS = frozenset("@*#?-$!")
_PLAIN = re.compile(r"""[^$<'"\\`}/]+""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quoting:
    """How quotes and escapes are treated. `plain_quotes`: they are ordinary characters. `keep_unset`: a variable

    without a value stays as it is written.
    """

    raw_quotes: bool = False
    raw_escapes: bool = False
    plain_quotes: bool = False
    keep_unset: bool = False


def never(name: str) -> bool:
    """For variables of which all is known."""
    del name
    return False


class Lexer:
    """One walk over one text. Afterwards `used`, `decided` and `unknown` tell about the names that were met.

    `may_be_set` says of a name that seems to have no value whether it may have one: then `${x:?}` stops nothing.
    """

    def __init__(
        self,
        text: str,
        variables: Mapping[str, str],
        escape: str,
        quoting: Quoting,
        may_be_set: Callable[[str], bool] = never,
    ) -> None:
        self.text = text.removeprefix("\ufeff")
        self.variables = variables
        self.escape = escape
        self.quoting = quoting
        self.may_be_set = may_be_set
        self.raw_escapes = quoting.raw_escapes
        self.at = 0
        self.depth = 0
        self.growth = MAX_GROWTH
        self.used: set[str] = set()
        self.decided: set[str] = set()
        self.unknown: set[str] = set()
        self.words: list[str] = []
        self._word: list[str] = []
        self._in_word = False

    def run(self) -> str:
        """The whole text with everything expanded; `words` then holds it split at white space."""
        result = self._until("", self.quoting.raw_escapes)
        self._end_word()
        return result

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        return char

    def _until(self, stop: str, raw_escapes: bool) -> str:
        """Read up to the character `stop` ("" for the end of the text) and past it."""
        outer, self.raw_escapes = self.raw_escapes, raw_escapes
        result: list[str] = []
        while char := self._peek():
            if char == stop:
                self.at += 1
                self.raw_escapes = outer
                return "".join(result)
            result.append(self._piece(char, split=not stop))
        if stop:
            raise ExpansionError(f'"${{" without its "{stop}" in {shown(self.text)}')
        self.raw_escapes = outer
        return "".join(result)

    def _piece(self, char: str, *, split: bool) -> str:
        """The next piece of text. `split` for text outside of any `${…}`, which also goes into the words."""
        plain = _PLAIN.match(self.text, self.at)
        if plain:
            self.at = plain.end()
            return self._split(plain[0], split)
        if char == "$":
            return self._split(self._dollar(), split)
        if char == "<":
            return self._whole(self._less_than(), split)
        if char in "'\"" and not self.quoting.plain_quotes:
            return self._whole(self._single() if char == "'" else self._double(), split)
        self.at += 1
        if char != self.escape:
            return self._split(char, split)
        escaped = self._next()
        return self._whole(char + escaped if self.raw_escapes else escaped, split)

    def _split(self, text: str, split: bool) -> str:
        """Add to the words; white space ends one."""
        if split:
            for char in text:
                if char not in SPACES:
                    self._word.append(char)
                    self._in_word = True
                elif self._in_word:
                    self._end_word()
        return text

    def _whole(self, text: str, split: bool) -> str:
        """Add to the words; white space in it is protected."""
        if split:
            self._word.append(text)
            self._in_word = True
        return text

    def _end_word(self) -> None:
        if word := "".join(self._word):
            self.words.append(word)
            self._in_word = False
        self._word.clear()

    def _forget_word(self) -> None:
        """BuildKit collects the words of every level in one buffer, so what stands before a `${x:-y}` is lost."""
        self._word.clear()

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise ExpansionError(f"a single quote without its end in {shown(self.text)}")
        start, self.at = self.at, end + 1
        return self.text[start : end + 1] if self.quoting.raw_quotes else self.text[start + 1 : end]

    def _double(self) -> str:
        quote = '"' if self.quoting.raw_quotes else ""
        result = [quote]
        self.at += 1
        while char := self._peek():
            if char == '"':
                self.at += 1
                return "".join(result) + quote
            if char == "$":
                result.append(self._dollar())
            else:
                result.append(self._quoted_char())
        raise ExpansionError(f"a double quote without its end in {shown(self.text)}")

    def _quoted_char(self) -> str:
        """One character, or one escape, inside double quotes: only `"`, `$` and the escape itself need one."""
        char = self._next()
        if char != self.escape:
            return char
        kept = char if self.raw_escapes else ""
        following = self._peek()
        if following in ('"', "$", self.escape):
            return kept + self._next()
        return kept + (char if following else "")

    def _less_than(self) -> str:
        """`<`, or `<<` together with the blanks after it, so that `<< EOF` is one word."""
        self.at += 1
        if self._peek() != "<":
            return "<"
        start = self.at
        self.at += 1
        while self._peek() in ("\t", "\r", " "):
            self.at += 1
        return "<" + self.text[start : self.at]

    def _dollar(self) -> str:
        self.at += 1
        if self._peek() != "{":
            name = self._name()
            return self._plain_value(name, f"${name}") if name else "$"
        self.at += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpansionError(f"${{…}} is nested more than {MAX_DEPTH} deep in {shown(self.text)}")
        result = self._braced()
        self.depth -= 1
        return result

    def _braced(self) -> str:
        if self._peek() in ("", "{", "}", ":"):
            raise ExpansionError(f"bad substitution in {shown(self.text)}")
        name = self._name()
        mark = self._next()
        if mark == "}":
            return self._plain_value(name, f"${{{name}}}")
        if mark == "/":
            return self._replaced(name)
        if mark == ":":
            return self._chosen(name, ":", self._next())
        if mark in ("#", "%"):
            return self._trimmed(name, mark)
        if mark in ("+", "-", "?"):
            return self._chosen(name, "", mark)
        raise ExpansionError(f"bad substitution in {shown(self.text)}")

    def _name(self) -> str:
        """A name, the digits of a position, or one special parameter; "" where none of them follows."""
        start = self.at
        char = self._peek()
        if char in _SPECIAL_PARAMETERS and char:
            self.at += 1
            return char
        digits = char.isdecimal()
        while (char := self._peek()) and (char.isdecimal() or (not digits and (char.isalpha() or char == "_"))):
            self.at += 1
        return self.text[start : self.at]

    def _value(self, name: str) -> str | None:
        self.used.add(name)
        self.decided.add(name)
        value = self.variables.get(name)
        self._grow(value or "")
        return value

    def _grow(self, value: str) -> None:
        self.growth -= len(value)
        if self.growth < 0:
            raise ExpansionError(f"{shown(self.text)} expands to more than {MAX_GROWTH} characters of variables")

    def _plain_value(self, name: str, written: str) -> str:
        value = self._value(name)
        if value is not None:
            return value
        self.unknown.add(name)
        return written if self.quoting.keep_unset else ""

    def _word_of(self, raw_escapes: bool) -> tuple[str, set[str], set[str]]:
        """The word up to the closing brace, and its names, those without a value first: they count if the word does."""
        unknown, self.unknown = self.unknown, set()
        decided, self.decided = self.decided, set()
        self._forget_word()
        word = self._until("}", raw_escapes)
        found = word, self.unknown, self.decided
        self.unknown, self.decided = unknown, decided
        return found

    def _chosen(self, name: str, colon: str, mark: str) -> str:
        """`${x-y}`, `${x+y}` and `${x?y}`; with a colon an empty value counts as none."""
        word, unknown, decided = self._word_of(raw_escapes=mark in ("#", "%"))
        value = self._value(name)
        if value is None and self.quoting.keep_unset:
            return f"${{{name}{colon}{mark}{word}}}"
        given = value is not None and not (colon and not value)
        if (mark == "-" and given) or (mark == "+" and not given):
            return value if mark == "-" and value else ""
        if mark in ("-", "+"):
            self.unknown |= unknown
            self.decided |= decided
            return word
        if mark != "?":
            raise ExpansionError(f"${{{shown(name)}:{mark}…}} is no substitution that BuildKit knows")
        if not given and not self.may_be_set(name):
            raise ExpansionError(f"{shown(name)}: {shown(word, 400) or 'has no value, and must have one'}")
        return value or ""

    def _trimmed(self, name: str, mark: str) -> str:
        """`${x#p}` and `${x%p}`; the mark twice takes the longest match away."""
        word, unknown, decided = self._word_of(raw_escapes=True)
        value = self._value(name)
        self.unknown |= unknown
        self.decided |= decided
        if value is None:
            self.unknown.add(name)
            if self.quoting.keep_unset:
                return f"${{{name}{mark}{word}}}"
        longest = word.startswith(mark)
        cut = patterns.without_prefix if mark == "#" else patterns.without_suffix
        return cut(word.removeprefix(mark), value or "", longest=longest)

    def _replaced(self, name: str) -> str:
        """`${x/p/r}`; `${x//p/r}` replaces every match."""
        everywhere = self._peek() == "/"
        self.at += int(everywhere)
        self._forget_word()
        pattern = self._until("/", raw_escapes=True)
        replacement = self._until("}", raw_escapes=True)
        value = self._value(name)
        if value is None:
            self.unknown.add(name)
            if self.quoting.keep_unset:
                return f"${{{name}/{pattern}/{replacement}}}"
        if not everywhere:
            return patterns.replaced_once(pattern, value or "", replacement)
        result = patterns.replaced_everywhere(pattern, value or "", replacement, self.growth)
        self._grow(result)
        return result
