"""`semvercmp`: whether a version satisfies a constraint, by the rules of Masterminds/semver (v3.5.0)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from planner.model.frozen import dataclass
from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import STRING

MAX_LENGTH = 256
_TAIL = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_VERSION = re.compile(rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?{_TAIL}", re.ASCII)
_ONE = rf"(=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?{_TAIL}"
_CONSTRAINT = re.compile(_ONE, re.ASCII)
_SEPARATOR = re.compile(r"\s*,\s*|\s+|\Z")
_PLAIN = rf"v?[\dxX*]+(?:\.[\dxX*]+)*{_TAIL}"
_RANGE = re.compile(rf"\s*({_PLAIN})\s+-\s+({_PLAIN})\s*", re.ASCII)

Release = tuple[int, int, int]
Version = tuple[Release, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Constraint:
    operator: str
    version: Version
    pre: str
    given: int
    """How many of the three numbers are given."""


def _pre(text: str | None) -> tuple[object, ...]:
    """A prerelease as something that compares: none comes after all."""
    if not text:
        return (1,)
    return (0, *((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in text.split(".")))


def _version(text: str) -> tuple[Version, str]:
    found = _VERSION.fullmatch(text)
    if found is None or len(text) > MAX_LENGTH:
        raise Wrong(f'"{text[:60]}" is no version')
    release = (int(found[1]), int(found[2] or 0), int(found[3] or 0))
    return (release, _pre(found[4])), found[4] or ""


def _constraints(text: str) -> list[_Constraint]:
    """The constraints of one alternative, all of which must hold."""
    text = text.strip()
    found: list[_Constraint] = []
    at = 0
    while at < len(text):
        match = _CONSTRAINT.match(text, at)
        after = _SEPARATOR.match(text, match.end()) if match else None
        if match is None or after is None:
            raise Wrong(f'"{text[:60]}" is no constraint')
        at = after.end()
        numbers: list[int] = []
        for part in match.groups()[1:4]:
            if part is None or not part.isdecimal():
                break
            numbers.append(int(part))
        major, minor, patch = [*numbers, 0, 0, 0][:3]
        pre = match[5] or ""
        found.append(_Constraint(match[1] or "", ((major, minor, patch), _pre(pre)), pre, len(numbers)))
    return found or [_Constraint("", ((0, 0, 0), _pre("")), "", 0)]


def _tilde(version: Version, one: _Constraint) -> bool:
    release, wanted = version[0], one.version[0]
    if version < one.version:
        return False
    if wanted == (0, 0, 0) and one.given not in (1, 2):
        return True
    return release[0] == wanted[0] and (release[1] == wanted[1] or one.given == 1)


def _equal(version: Version, one: _Constraint) -> bool:
    return _tilde(version, one) if one.given < 3 else version == one.version


def _differs(version: Version, one: _Constraint) -> bool:
    if one.given == 3:
        return version != one.version
    if one.given < 2:
        return version[0][0] != one.version[0][0] or (one.given == 0 and version[0][1] != 0)
    if version[0][:2] != one.version[0][:2]:
        return True
    return version[1] != one.version[1] and not (version[1] == one.version[1] == (1,))


def _greater(version: Version, one: _Constraint) -> bool:
    if one.given == 3:
        return version > one.version
    if version[0][0] != one.version[0][0]:
        return version[0][0] > one.version[0][0]
    if one.given == 1:
        return False
    return version[0][1] > one.version[0][1] if one.given == 2 else version > one.version


def _at_most(version: Version, one: _Constraint) -> bool:
    if one.given == 3:
        return version <= one.version
    release, wanted = version[0], one.version[0]
    return not (release[0] > wanted[0] or (release[0] == wanted[0] and release[1] > wanted[1] and one.given != 1))


def _caret(version: Version, one: _Constraint) -> bool:
    release, wanted = version[0], one.version[0]
    if version < one.version:
        return False
    if wanted[0] > 0 or one.given == 1:
        return release[0] == wanted[0]
    if release[0] > 0:
        return False
    if wanted[1] > 0 or one.given == 2:
        return release[1] == wanted[1]
    return release[1] == 0 and release[2] == wanted[2]


_RULES: Mapping[str, Callable[[Version, _Constraint], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _differs,
    ">": _greater,
    "<": lambda version, one: version < one.version,
    ">=": lambda version, one: version >= one.version,
    "=>": lambda version, one: version >= one.version,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}


def satisfies(version: str, constraint: str) -> bool:
    """Whether a version satisfies a constraint. Raises Wrong for what is neither."""
    if len(constraint) > MAX_LENGTH:
        raise Wrong(f"a constraint is longer than {MAX_LENGTH} letters")
    number, pre = _version(version)
    for alternative in _RANGE.sub(r">= \1, <= \3 ", constraint).split("||"):
        wanted = _constraints(alternative)
        if pre and not any(one.pre for one in wanted):
            continue
        if all(_RULES[one.operator](number, one) for one in wanted):
            return True
    return False


FUNCTIONS: Mapping[str, Function] = {"semvercmp": Function(satisfies, (STRING, STRING))}
"""By the name that a file calls them with."""
