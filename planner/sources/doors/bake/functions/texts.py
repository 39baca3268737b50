"""Functions on texts: cutting, joining, cases, regular expressions (RE2's, as Go's are)."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.number import whole
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.values import MAX_TEXT, NUMBER, STRING, List, Value

MAX_PATTERN = 10_000
_STRINGS = ("list", STRING)
_GROUP = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)


def letters(text: str) -> list[str]:
    """The letters that a reader sees: a base with its marks is one."""
    if text.isascii() and "\r" not in text:
        return list(text)
    found: list[str] = []
    for letter in text:
        joins = bool(found) and (
            unicodedata.category(letter) in ("Mn", "Me", "Mc")
            or letter == "\u200d"
            or found[-1].endswith("\u200d")
            or 0x1F3FB <= ord(letter) <= 0x1F3FF
            or (found[-1] == "\r" and letter == "\n")
            or (_is_flag(letter) and len(found[-1]) == 1 and _is_flag(found[-1]))
        )
        if joins:
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _is_flag(letter: str) -> bool:
    return 0x1F1E6 <= ord(letter) <= 0x1F1FF


def _substr(text: str, offset: Value, length: Value) -> str:
    start, count = whole(offset), whole(length)
    found = letters(text)
    if start < 0:
        # As go-cty: a negative offset that goes before the beginning starts there.
        start = max(start + len(found), 0)
    elif count == 0:
        return ""
    if start > len(found) or (start == len(found) and start > 0):
        return ""
    rest = found[start:]
    return "".join(rest if count <= 0 else rest[:count])


def _join(separator: str, *lists: Value) -> str:
    if not lists:
        raise Wrong("needs at least one list")
    items = [item for found in lists for item in found]
    if None in items:
        raise Wrong("an element is null")
    return separator.join(items)


def _sort(items: Value) -> Value:
    if None in items:
        raise Wrong("an element is null")
    return List(sorted(items))


def _split(separator: str, text: str) -> Value:
    return List(text.split(separator) if separator else list(text))


def _indent(spaces: Value, text: str) -> str:
    count = whole(spaces)
    if count < 0 or count * (text.count("\n") + 1) > MAX_TEXT:
        raise TooMuch(f"a text is longer than {MAX_TEXT} letters") if count > 0 else Wrong("an indentation is negative")
    return text.replace("\n", "\n" + " " * count)


def _title(text: str) -> str:
    made = []
    before = " "
    for letter in text:
        made.append(_upper(letter) if _separates(before) else letter)
        before = letter
    return "".join(made)


def _upper(letter: str) -> str:
    """Go's upper case of a letter, which is always one letter."""
    return letter.upper() if len(letter.upper()) == 1 else letter


def _separates(letter: str) -> bool:
    if letter.isascii():
        return not (letter.isalnum() or letter == "_")
    return letter.isspace()


def _replace(text: str, old: str, new: str) -> str:
    if (text.count(old) + 1) * len(new) + len(text) > MAX_TEXT:
        raise TooMuch(f"a text is longer than {MAX_TEXT} letters")
    return text.replace(old, new)


def _pattern(pattern: str) -> Any:
    import re2

    if len(pattern) > MAX_PATTERN:
        raise TooMuch(f"a pattern is longer than {MAX_PATTERN} letters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 24
    try:
        found = re2.compile(pattern, options=options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise Wrong(f"is no pattern: {said.decode() if isinstance(said, bytes) else said}") from error
    return found


def _matches(pattern: Any, text: str) -> Iterator[Any]:
    """The matches that Go finds: an empty one does not follow another one at once."""
    last = -1
    for match in pattern.finditer(text):
        if match.end() > match.start() or match.start() != last:
            yield match
        last = match.end()


def _captured(pattern: Any, match: Any) -> Value:
    if pattern.groupindex and len(pattern.groupindex) != pattern.groups:
        raise Wrong("a pattern has groups with names and without")
    if pattern.groupindex:
        return {name: match.group(name) for name in pattern.groupindex}
    return tuple(match.groups()) if pattern.groups else match.group(0)


def _regex(pattern: str, text: str) -> Value:
    compiled = _pattern(pattern)
    match = compiled.search(text)
    if match is None:
        raise Wrong("the pattern matches nothing")
    return _captured(compiled, match)


def _regexall(pattern: str, text: str) -> Value:
    compiled = _pattern(pattern)
    return List(_captured(compiled, match) for match in _matches(compiled, text))


def _regex_replace(text: str, pattern: str, template: str) -> str:
    compiled = _pattern(pattern)
    made: list[str] = []
    at = size = 0
    for match in _matches(compiled, text):
        piece = text[at : match.start()] + _GROUP.sub(functools.partial(_group, match), template)
        size += len(piece)
        if size > MAX_TEXT:
            raise TooMuch(f"a text is longer than {MAX_TEXT} letters")
        made.append(piece)
        at = match.end()
    return "".join(made) + text[at:]


def _group(match: Any, one: re.Match[str]) -> str:
    name = one[1] or one[2]
    if name is None:
        return "$"
    try:
        return match.group(int(name) if name.isdecimal() else name) or ""
    except (IndexError, KeyError):
        return ""


def _sanitize(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


FUNCTIONS: Mapping[str, Function] = {
    "upper": Function(lambda text: "".join(map(_upper, text)), (STRING,)),
    "lower": Function(lambda text: "".join(letter.lower()[:1] for letter in text), (STRING,)),
    "reverse": Function(lambda text: "".join(reversed(letters(text))), (STRING,)),
    "strlen": Function(lambda text: len(letters(text)), (STRING,)),
    "substr": Function(_substr, (STRING, NUMBER, NUMBER)),
    "join": Function(_join, (STRING,), _STRINGS),
    "sort": Function(_sort, (_STRINGS,)),
    "split": Function(_split, (STRING, STRING)),
    "chomp": Function(lambda text: re.sub(r"(?:\r\n?|\n)*\Z", "", text), (STRING,)),
    "indent": Function(_indent, (NUMBER, STRING)),
    "title": Function(_title, (STRING,)),
    "trimspace": Function(str.strip, (STRING,)),
    "trim": Function(lambda text, cut: text.strip(cut) if cut else text, (STRING, STRING)),
    "trimprefix": Function(str.removeprefix, (STRING, STRING)),
    "trimsuffix": Function(str.removesuffix, (STRING, STRING)),
    "replace": Function(_replace, (STRING, STRING, STRING)),
    "regex": Function(_regex, (STRING, STRING)),
    "regexall": Function(_regexall, (STRING, STRING)),
    "regex_replace": Function(_regex_replace, (STRING, STRING, STRING)),
    "sanitize": Function(_sanitize, (STRING,)),
}
"""By the name that a file calls them with."""
