"""What a drawing writes into the box of an image, and how wide the box is for it."""

from __future__ import annotations

from planner.explain.text import printable

BOX_HEIGHT = 30
LONGEST = 34
_LETTER, _AROUND, _NARROWEST = 7.1, 50, 84


def box_text(name: str) -> str:
    """A name for a box: safe to show, shortened in its middle, where names of one family differ least."""
    text = printable(name[: 4 * LONGEST] if len(name) <= 4 * LONGEST else f"{name[:LONGEST]}…{name[-LONGEST:]}")
    if len(text) <= LONGEST:
        return text
    tail = LONGEST // 2
    return f"{text[: LONGEST - tail - 1]}…{text[-tail:]}"


def box_width(name: str) -> int:
    """Wide enough for its text in a usual font, in pixels."""
    return max(_NARROWEST, round(len(box_text(name)) * _LETTER) + _AROUND)
