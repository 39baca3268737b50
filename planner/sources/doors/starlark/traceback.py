"""Reads the tracebacks of starlark-rust: call stacks, and errors with their places. Tests hold the form still.

Starlark gives positions as text alone. A line that is not as expected is left out: places are for people, and no key
depends on them.
"""

from __future__ import annotations

import re

from planner.sources.doors.starlark.engine import Failure, Frame, Stack

_FRAME = re.compile(r"  \* (.+?):([0-9]{1,9}), in (.+)")
_PLACE = re.compile(r" *--> (.+?):([0-9]{1,9}):([0-9]{1,9})")
_UNSERIALIZED = re.compile(r"Operation `serde::serialize` not supported on type `(.+)`")
BUILTIN = "<builtin>"
"""The file of what our functions are written in."""
REFUSED = "Refused: "
"""How an error of our own begins among those of Starlark."""
MAX_SHOWN = 10
MAX_TEXT = 2000


def stack_of(text: str) -> Stack:
    """The frames of a traceback, the outermost first, less those of our own functions."""
    found = (_FRAME.fullmatch(line) for line in text.split("\n"))
    return tuple(Frame(file=at[1], line=int(at[2]), function=plain(at[3])) for at in found if at and at[1] != BUILTIN)


def failure_of(text: str, file: str) -> Failure:
    """What an error's text says; `file` stands in where it names none."""
    head, _, rest = text.partition("error: ")
    lines = rest.split("\n") if rest else [head]
    said: list[str] = []
    place: re.Match[str] | None = None
    for line in lines:
        if place := _PLACE.fullmatch(line):
            break
        said.append(line)
    stack = stack_of(head)
    what = plain(" ".join(said).strip())[:MAX_TEXT].removeprefix("StarlarkError: ")
    if serialized := _UNSERIALIZED.fullmatch(what):
        what = f"a {serialized[1]} is no value for an image"
    if place is None or place[1] == BUILTIN:
        last = stack[-1] if stack else Frame(file=file, line=0, function="")
        return Failure(what=what, file=last.file, line=last.line, stack=stack)
    return Failure(what=what, file=place[1], line=int(place[2]), column=int(place[3]), stack=stack)


def shown(stack: Stack) -> str:
    """A stack as lines below a message, the outermost call first; the middle of a long one is left out."""
    lines = [f"at {frame.file}:{frame.line}, in {frame.function}" for frame in stack]
    if len(lines) > MAX_SHOWN:
        lines = [*lines[: MAX_SHOWN - 2], f"… {len(lines) - MAX_SHOWN} more", *lines[-2:]]
    return "\n  ".join(lines)


def plain(text: str) -> str:
    """The text with what a terminal would obey written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
