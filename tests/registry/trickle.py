"""A server on loopback that answers each connection piece by piece, with a pause between two that no timeout minds."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PAUSE = 0.05


@dataclass
class Trickle:
    """`said` are pieces, over all connections. `gone` is set when the first connection is over."""

    port: int
    said: int = 0
    gone: threading.Event = field(default_factory=threading.Event)


@contextmanager
def trickling(first: bytes, piece: bytes, times: int) -> Iterator[Trickle]:
    """Say `first` at once, and then `piece` again and again, so many times."""

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(first)
            for _ in range(times):
                connection.sendall(piece)
                told.said += 1
                time.sleep(PAUSE)
        told.gone.set()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        told = Trickle(server.getsockname()[1])
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)
