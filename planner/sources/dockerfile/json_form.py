"""Reads the JSON form of an instruction (`["a", "b"]`); what is no valid JSON is the shell form instead."""

from __future__ import annotations

import json
import re

from planner.sources.dockerfile.refusal import Refused
from planner.sources.go_match import SPACES

_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+"'
_STRINGS = re.compile(rf"\[[ \t\r\n]*+(?:{_STRING}[ \t\r\n]*+(?:,[ \t\r\n]*+{_STRING}[ \t\r\n]*+)*+)?\]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def json_words(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array, or None where the text is no JSON array. Raises Refused for other values."""
    text = text.lstrip(SPACES)
    if not text.startswith("["):
        return None
    if _STRINGS.fullmatch(text):
        return tuple(_LONE_SURROGATE.sub("\ufffd", word) for word in json.loads(text))
    if _is_json(text):
        raise Refused("the JSON form holds strings only", hint='write every word in quotes: ["sleep", "1"]')
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def _no_constant(name: str) -> None:
    """Python reads NaN and Infinity, JSON has neither."""
    raise ValueError(name)
