"""Tells how far a long run is, and when it will be over. Knows nothing of what is run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

Turn = TypeVar("Turn")
PAUSE = 20.0
"""Seconds between two lines."""


def told(turns: Sequence[Turn], word: str) -> Iterator[Turn]:
    """The turns one by one; on standard error, now and then, how many are over and the time that the rest will take."""
    begun = said = time.monotonic()
    for number, turn in enumerate(turns):
        now = time.monotonic()
        if number and now - said >= PAUSE:
            said, left = now, (now - begun) / number * (len(turns) - number)
            print(f"{word}: {number} of {len(turns)}, about {left / 60:.1f} minutes left", file=sys.stderr, flush=True)
        yield turn
