"""An HTTP answer that comes in time or not at all: who sends a byte now and then keeps nobody."""

from __future__ import annotations

import http.client
import io
import math
import time
from typing import Any

WHOLE = 120.0
"""Seconds for head and body together."""


class _Pieces(io.RawIOBase):
    """What a socket gives, for some time. Raises TimeoutError after it."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.until = time.monotonic() + WHOLE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self.until:
            raise TimeoutError
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


class Timely(http.client.HTTPResponse):
    """See above."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pieces = _Pieces(self.fp.detach())
        self.fp = io.BufferedReader(self._pieces)

    def take_time(self, seconds: float = math.inf) -> None:
        """Let the rest of the body take this long from now on: for what may be of any length."""
        self._pieces.until = time.monotonic() + seconds
