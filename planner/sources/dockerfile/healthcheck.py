"""Reads HEALTHCHECK: its flags with their durations, and the test's words."""

from __future__ import annotations

import re

from planner.sources.dockerfile.flags import Flags, Kind, only_known
from planner.sources.dockerfile.json_form import json_words
from planner.sources.dockerfile.refusal import Refused, shown
from planner.sources.dockerfile.statement import Statement
from planner.sources.go_match import SPACES

_DURATIONS = ("interval", "timeout", "start-period", "start-interval")
_KINDS = dict.fromkeys((*_DURATIONS, "retries"), Kind.ONE)
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TERM = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)")
_LARGEST = 2**63 - 1
_SHORTEST = 10**6


def healthcheck_words(read: Statement) -> tuple[str, ...]:
    """What counts of a HEALTHCHECK: its flags in order of names, then NONE, CMD-SHELL or CMD, and the command.

    Raises Refused.
    """
    type_, command = _type_and_command(read.rest)
    if type_ == "NONE":
        if command and json_words(command) != ():
            raise Refused("HEALTHCHECK NONE takes no arguments", at=read.rest_at)
        return ("NONE",)
    flags = only_known(read.flags, _KINDS)
    if type_ != "CMD":
        raise Refused(
            f'HEALTHCHECK is followed by CMD or NONE, not "{shown(type_)}"',
            hint="write HEALTHCHECK [flags] CMD <command>",
            at=read.rest_at,
        )
    words = json_words(command)
    test = ("CMD-SHELL", command) if words is None else ("CMD", *words)
    if not test[1:] or not command:
        raise Refused("HEALTHCHECK CMD has no command", at=read.rest_at)
    return (*_flag_words(flags), *test)


def _type_and_command(rest: str) -> tuple[str, str]:
    """The first word and what follows. BuildKit looks for its end byte by byte, so `à` contains a white space."""
    view = rest if rest.isascii() else rest.encode().decode("latin-1")
    end = next((at for at, char in enumerate(view) if char in SPACES), len(view))
    command = view[end:].lstrip(SPACES)
    if not rest.isascii():
        command = command.encode("latin-1").decode("utf-8", "replace")
    if not end:
        raise Refused("HEALTHCHECK requires at least one argument", hint="write HEALTHCHECK [flags] CMD <command>")
    return view[:end].upper(), command


def _flag_words(flags: Flags) -> tuple[str, ...]:
    for name in _DURATIONS:
        found = flags.find(name)
        if found and found.value:
            _check_duration(name, found.value, found.at)
    retries = flags.find("retries")
    if retries and retries.value:
        _check_retries(retries.value, retries.at)
    return tuple(sorted(flags.texts))


def _check_duration(name: str, text: str, at: int) -> None:
    value = _nanoseconds(text)
    if value is None:
        hint = "write a number with a unit: 30s, 1m30s, 500ms"
        raise Refused(f'--{name}: "{shown(text)}" is no duration', hint=hint, at=at)
    if value and value < _SHORTEST:
        raise Refused(f"--{name} cannot be less than 1ms", at=at)


def _nanoseconds(text: str) -> int | None:
    """A duration as Go writes it; None for what is none."""
    sign = -1 if text.startswith("-") else 1
    text = text[1:] if text[:1] in ("-", "+") else text
    if text == "0":
        return 0
    total = at = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if not term or term[3] not in _NANOSECONDS or not (term[1] or term[2]) or len(term[1]) > 19:
            return None
        unit, fraction = _NANOSECONDS[term[3]], (term[2] or "")[:18]
        total += int(term[1] or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        at = term.end()
    return sign * total if text and total <= _LARGEST else None


def _check_retries(text: str, at: int) -> None:
    if not re.fullmatch(r"[-+]?[0-9]+", text) or len(text) > 40 or not -(2**31) <= int(text) < 2**31:
        raise Refused(f'--retries is a whole number, not "{shown(text)}"', at=at)
    if int(text) < 0:
        raise Refused("--retries cannot be negative", at=at)
