"""The token server's connections: bounded in number for each client, and closed where a request does not come in time.

Uvicorn bounds only how many there are in all, and waits for ever for the first byte, a head or a body: one silent
client would keep everybody out. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import constants
from collections import Counter
from collections.abc import Iterator

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 10.0
"""From the first moment of a connection, or the first byte of a later request, to the end of a request."""


def patient(most: int, seconds: float = SECONDS) -> type[H11Protocol]:
    """Uvicorn's HTTP with at most so many connections of one address at once, each with some time for a request."""
    opened: Counter[str] = Counter()

    class Patient(H11Protocol):
        _end: asyncio.TimerHandle | None = None
        _address = ""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._address = self.client[0] if self.client is not None else ""
            opened[self._address] += 1
            if opened[self._address] > most:
                transport.abort()
            else:
                self._await_request()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop()
            opened[self._address] -= 1
            if not opened[self._address]:
                del opened[self._address]

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._await_request()

        def _await_request(self) -> None:
            """Let the time run as long as a part of a request is missing."""
            if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
                self._stop()
            elif self._end is None:
                self._end = self.loop.call_later(seconds, self.transport.abort)

        def _stop(self) -> None:
            if self._end is not None:
                self._end.cancel()
                self._end = None

        def on_response_complete(self) -> None:
            self._stop()
            super().on_response_complete()

    return Patient


@contextlib.contextmanager
def hasty_handshakes(seconds: float = SECONDS) -> Iterator[None]:
    """Give TLS, which comes before all of the above, no more time either."""
    before = constants.SSL_HANDSHAKE_TIMEOUT
    constants.SSL_HANDSHAKE_TIMEOUT = seconds
    try:
        yield
    finally:
        constants.SSL_HANDSHAKE_TIMEOUT = before
