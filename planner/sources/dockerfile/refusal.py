"""Signals that one piece of a Dockerfile cannot be read; whoever knows the place turns them into a `Mistake`."""

from __future__ import annotations


class ExpansionError(Exception):
    """A text whose variables cannot be expanded; callers add the place."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


def shown(text: str, limit: int = 60) -> str:
    """A piece of an untrusted text, short and printable, for a message."""
    clean = "".join(
        char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}"
        for char in text[: limit + 1]
    )
    return clean if len(text) <= limit else clean[:limit] + "…"
