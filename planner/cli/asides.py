"""What commands say besides their answers, on standard error, and the colours of a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from planner.errors import without_logins
from planner.explain import text

said_so_far: list[str] = []
"""What was said on standard error besides an answer: an answer that is given again says it again."""


def say_aside(message: str) -> None:
    """One line on standard error."""
    said_so_far.append(message)
    print(message, file=sys.stderr)


def say_notes(notes: Iterable[str]) -> None:
    """Say how a family was found, where nothing was said before."""
    if not said_so_far:
        for line in notes:
            say_aside(line)


def palette() -> text.Palette:
    """Colours where standard output is a terminal and nobody asked for none."""
    return text.Palette(colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))


def warn(message: str) -> None:
    """One warning on standard error."""
    print(warning(message), file=sys.stderr)


def warning(message: str) -> str:
    """A warning as it is shown."""
    return f"planner: warning: {text.printable(without_logins(message))}"
