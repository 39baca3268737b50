"""Splits the text after a keyword into words, by BuildKit's two rules: at white space, or with quotes kept whole."""

from __future__ import annotations

import re

from planner.sources.go_match import SPACES

_GAP = re.compile(r"[\t\v\f\r ]+")
_OFF = frozenset({"--keep-git-dir=false", "--link=false", "--parents=false"})
"""Switches that are off: as if they were not written."""
_BETWEEN = re.compile(r"\s")


def skip_spaces(text: str, at: int) -> int:
    """The first place from `at` on that is no white space."""
    while at < len(text) and text[at] in SPACES:
        at += 1
    return at


def first_word(text: str) -> tuple[str, str, int]:
    """The word before the first gap, what stands after the gap, and where that starts."""
    gap = _GAP.search(text)
    return (text[: gap.start()], text[gap.end() :], gap.end()) if gap else (text, "", len(text))


def spaced_words(text: str) -> tuple[str, ...]:
    """Words between gaps; quotes mean nothing here."""
    return tuple(_GAP.split(text)) if text else ()


def quoted_words(text: str, escape: str) -> tuple[str, ...]:
    """Words in which quotes and escapes protect white space; both are kept as written."""
    words = []
    at = skip_spaces(text, 0)
    while at < len(text):
        end = _word_end(text, at, escape)
        # A lone escape at the very end of the text stands for nothing.
        word = text[at:end] if end <= len(text) else text[at : len(text) - 1]
        if word:
            words.append(word)
        at = skip_spaces(text, end)
    return tuple(words)


def _word_end(text: str, at: int, escape: str) -> int:
    """Where the word that starts at `at` ends; one past the text where an escape is its last character."""
    quote = ""
    while at < len(text):
        char = text[at]
        if not quote and char in SPACES:
            return at
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == escape and quote != "'":
            at += 1
        at += 1
    return at


def plain_flags(flags: tuple[str, ...]) -> tuple[str, ...]:
    """The flags that have no part of their own; `--from` and `--mount` count through what they read."""
    own = ("--from", "--chown", "--chmod", "--checksum", "--mount", "--network")
    return tuple(flag for flag in flags if not flag.startswith(own) and flag.lower() not in _OFF)


def joined(name: str, words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Words as what counts: joined where they can be told apart again, else one by one."""
    if all(words) and not any(_BETWEEN.search(word) for word in words):
        return ((name, " ".join(words)),)
    return tuple((f"{name} word {number}", word) for number, word in enumerate(words))
