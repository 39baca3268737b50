"""Reads the `if:` of a job of GitHub Actions, as far as it says for which events the job never runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WHOLE = re.compile(r"\$\{\{(.*)\}\}", re.DOTALL)
_NEVER = re.compile(r"\s*github\.event_name\s*!=\s*'pull_request'\s*")
_SIGN = re.compile(r"'[^']*'|&&|\|\||[()\[\]]")


def never_for_pull_requests(condition: str) -> bool:
    """Whether a condition is a conjunction of which one part is `github.event_name != 'pull_request'`, word by word.

    Whatever could be true without that part, or is no single expression (text around `${{ }}` makes a condition that
    always holds), does not count.
    """
    found = _WHOLE.fullmatch(condition)
    inner = found[1] if found else condition
    if "${{" in inner or (found and "}}" in inner):
        return False
    return any(_NEVER.fullmatch(part) for part in _conjuncts(inner))


def _conjuncts(text: str) -> Iterator[str]:
    """The parts between the `&&` that stand in no brackets; nothing where a `||` does, or brackets do not match."""
    parts, depth, start = [], 0, 0
    for sign in _SIGN.finditer(text):
        if sign[0] in ("(", "["):
            depth += 1
        elif sign[0] in (")", "]"):
            depth -= 1
        elif sign[0] == "||" and depth == 0:
            return
        elif sign[0] == "&&" and depth == 0:
            parts.append(text[start : sign.start()])
            start = sign.end()
        if depth < 0:
            return
    if depth == 0:
        yield from (*parts, text[start:])
