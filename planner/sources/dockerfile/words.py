"""Splits the rest of an instruction: JSON lists, words, and NAME=VALUE pairs (`line_parsers.go`, v0.32.2)."""

from __future__ import annotations

import json

from planner.model.image import Pairs
from planner.sources.dockerfile.flags import Refused

SPACES = " \t\n\v\f\r\x85\xa0"
"""What Go's unicode.IsSpace takes for white space, as far as a Dockerfile meets it."""


def json_words(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON list; None where the text is none, which makes it the shell form."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        return None
    return tuple(found)


def plain_words(text: str, escape: str) -> tuple[str, ...]:
    """Words split at white space outside quotes; quotes and escapes are kept for the expansion (`parseWords`)."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    at = 0
    while at < len(text):
        letter = text[at]
        at += 1
        if not quote and letter.isspace():
            if word:
                words.append("".join(word))
            word = []
            continue
        word.append(letter)
        if letter == escape and quote != "'" and at < len(text):
            word.append(text[at])
            at += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
    if word:
        words.append("".join(word))
    return tuple(words)


def name_values(text: str, escape: str, keyword: str) -> Pairs:
    """`NAME=VALUE …`, or the old form `NAME VALUE`. Raises Refused."""
    words = plain_words(text, escape)
    if "=" not in words[0]:
        value = text[len(words[0]) :].strip()
        if not value:
            raise Refused(f"{keyword} needs a value: {keyword} NAME=VALUE")
        return ((words[0], value),)
    pairs: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise Refused(f'"{word}" stands without a =', f"{keyword} takes NAME=VALUE, quoted where it has spaces")
        if not name:
            raise Refused(f"{keyword} needs a name before the =")
        pairs.append((name, value))
    return tuple(pairs)
