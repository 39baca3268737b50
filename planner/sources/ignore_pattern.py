"""One pattern of moby/patternmatcher, compiled: `*`, `?`, `[…]`, `\\x` and `**`, with that library's own shortcuts.

Mirrors `Pattern.compile` and `Pattern.match` of patternmatcher v0.6: a pattern without `*`, `?`, brackets or escapes
is compared as text, a leading or trailing `**` alone as suffix or prefix, and the rest as a regular expression. It is
matched here by tracking positions, so that no pattern takes more than len(pattern) * len(path) steps.
"""

from __future__ import annotations

import enum

from planner.model.frozen import dataclass
from planner.sources.go_match import BadPattern, Class, read_class


class Form(enum.Enum):
    """How a pattern is compared with a path."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    TOKENS = "tokens"


class Wild(enum.Enum):
    """The tokens that are neither a letter nor a class."""

    STAR = "[^/]*"
    ALL = ".*"
    FOLDERS = "(.*/)?"
    START = "^"
    END = r"\z"
    EDGE = r"\b"
    INSIDE = r"\B"


Token = str | Class | Wild
PASSED: tuple[Token, ...] = (Wild.STAR, Wild.ALL, Wild.FOLDERS)
_LOOKING: tuple[Token, ...] = (Wild.END, Wild.EDGE, Wild.INSIDE)
NOT_SLASH: Class = (True, (("/", "/"),))
_DIGITS = (("0", "9"),)
_SPACE = (("\t", "\n"), ("\f", "\r"), (" ", " "))
_LETTERS = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
ESCAPES: dict[str, Token] = {
    "a": "\a",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "d": (False, _DIGITS),
    "s": (False, _SPACE),
    "w": (False, _LETTERS),
    "D": (True, _DIGITS),
    "S": (True, _SPACE),
    "W": (True, _LETTERS),
    "A": Wild.START,
    "z": Wild.END,
    "b": Wild.EDGE,
    "B": Wild.INSIDE,
}
"""What a letter behind a backslash means in Go's regular expressions, which patternmatcher hands it on to."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `text` is cleaned, without a leading `!`."""

    text: str
    form: Form
    tokens: tuple[Token, ...] = ()

    def matches(self, path: str) -> bool:
        """Whether the pattern matches exactly this path (folders above it are the caller's business)."""
        match self.form:
            case Form.EXACT:
                return path == self.text
            case Form.PREFIX:
                return path.startswith(self.text[:-2])
            case Form.SUFFIX:
                suffix = self.text[2:]
                return path.endswith(suffix) or (suffix.startswith("/") and path == suffix[1:])
        return _matches(self.tokens, path)

    def could_match_below(self, folder: str) -> bool:
        """False when no path at or under `folder`, and no folder above it, can match."""
        if not folder:
            return True
        components = self.text.split("/")
        for name, component in zip(folder.split("/"), components, strict=False):
            if "**" in component or any(letter in component for letter in "\\[^"):
                return True
            if "*" in component or "?" in component:
                continue
            if name != component:
                return False
        return True


def compile_pattern(text: str) -> Pattern:
    """Compile a cleaned pattern. Raises BadPattern."""
    tokens: list[Token] = []
    form = Form.EXACT
    at = 0
    while at < len(text):
        first = at == 0
        letter = text[at]
        at += 1
        if letter == "*" and text[at : at + 1] == "*":
            at += 1
            if text[at : at + 1] == "/":
                at += 1
            if at >= len(text):
                form = Form.PREFIX if form is Form.EXACT else Form.TOKENS
                tokens.append(Wild.ALL)
            else:
                form = Form.TOKENS
                tokens.append(Wild.FOLDERS)
            if first:
                form = Form.SUFFIX
        elif letter in "*?":
            tokens.append(Wild.STAR if letter == "*" else NOT_SLASH)
            form = Form.TOKENS
        elif letter == "\\" and at < len(text):
            tokens.append(_escaped(text[at]))
            at += 1
            form = Form.TOKENS
        elif letter == "[":
            start = at
            found, at = read_class(text, at)
            _check_class(text[start : at - 1])
            tokens.append(found)
            form = Form.TOKENS
        else:
            form = Form.TOKENS if letter == "]" else form
            tokens.append(Wild.START if letter == "^" else letter)
    return Pattern(text, form, tuple(tokens) if form is Form.TOKENS else ())


def _escaped(letter: str) -> Token:
    """A letter behind a backslash. Raises BadPattern for those that Go refuses, reads on from, or has classes for."""
    if letter in ESCAPES:
        return ESCAPES[letter]
    if letter.isalnum():
        raise BadPattern(f"\\{letter} has no certain meaning; write {letter}")
    return letter


def _check_class(inside: str) -> None:
    """patternmatcher reads `*` and `?` in a class as outside of one, and has Go read `[[:alpha:]]`: nobody wants that.

    Raises BadPattern.
    """
    letters = iter(inside)
    for letter in letters:
        if letter == "\\":
            if (escaped := next(letters)).isalnum():
                raise BadPattern(f"\\{escaped} has no certain meaning; write {escaped}")
        elif letter in "*?[":
            raise BadPattern(f"{letter} between brackets has no certain meaning; write \\{letter}")


def _matches(tokens: tuple[Token, ...], path: str) -> bool:
    looks = any(token in _LOOKING for token in tokens)
    at = _closed({0}, tokens, _passed("", path[:1]) if looks else (*PASSED, Wild.START))
    for place, letter in enumerate(path):
        after: set[int] = set()
        for position in at:
            after |= _stepped(tokens, position, letter)
        if not after:
            return False
        at = _closed(after, tokens, _passed(letter, path[place + 1 : place + 2]) if looks else PASSED)
    return len(tokens) in at


def _passed(before: str, after: str) -> tuple[Token, ...]:
    """The tokens that take no letter between these two, "" where the path begins or ends."""
    edge = Wild.EDGE if _is_of_word(before) != _is_of_word(after) else Wild.INSIDE
    ends = (*([] if before else [Wild.START]), *([] if after else [Wild.END]))
    return (*PASSED, edge, *ends)


def _is_of_word(letter: str) -> bool:
    return any(low <= letter <= high for low, high in _LETTERS)


def _closed(positions: set[int], tokens: tuple[Token, ...], passed: tuple[Token, ...]) -> set[int]:
    """Positions reached without a letter: past stars, and past folders that were not entered."""
    waiting = list(positions)
    closed = set(positions)
    while waiting:
        position = waiting.pop()
        if 0 <= position < len(tokens) and tokens[position] in passed:
            following = position + 1
            if following not in closed:
                closed.add(following)
                waiting.append(following)
    return closed


def _stepped(tokens: tuple[Token, ...], position: int, letter: str) -> set[int]:
    """Where one letter leads. A negative position -(n+1) stands inside the folders of token n."""
    if position < 0:
        return _in_folders(-position - 1, position, letter)
    if position >= len(tokens):
        return set()
    token = tokens[position]
    if token is Wild.STAR:
        return {position} if letter != "/" else set()
    if token is Wild.ALL:
        return {position} if letter != "\n" else set()
    if token is Wild.FOLDERS:
        return _in_folders(position, -position - 1, letter)
    if isinstance(token, str):
        return {position + 1} if token == letter else set()
    if isinstance(token, tuple):
        negated, ranges = token
        hit = any(low <= letter <= high for low, high in ranges) != negated
        return {position + 1} if hit else set()
    return set()


def _in_folders(position: int, inside: int, letter: str) -> set[int]:
    if letter == "\n":
        return set()
    return {inside, position + 1} if letter == "/" else {inside}
