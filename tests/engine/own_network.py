"""Runs a server in a network of its own, in which one loopback port leads to the same port of ours.

dockerd makes a bridge and routes for its containers; here they are nobody else's, and a Docker Engine that is already
on the machine is not disturbed. The child (`python -m tests.engine.own_network SOCKET PORT COMMAND …`, started by
`unshare --net`) listens in the new network, hands the listening socket to its parent, and becomes COMMAND.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
HANDOVER_SECONDS = 30.0


def command(argv: list[str], handover: Path, port: int) -> list[str]:
    """What starts `argv` in a network of its own."""
    launcher = [sys.executable, "-m", "tests.engine.own_network", os.fspath(handover), str(port)]
    return ["unshare", "--net", "--", *launcher, *argv]


@contextmanager
def expected_network(handover: Path) -> Iterator[socket.socket]:
    """Listens for the child, so to be entered before it starts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as waiting:
        waiting.bind(os.fspath(handover))
        waiting.listen(1)
        waiting.settimeout(HANDOVER_SECONDS)
        yield waiting


@contextmanager
def forwarding(waiting: socket.socket, port: int) -> Iterator[None]:
    """Answers connections made in the child's network with connections to our own port."""
    child, _ = waiting.accept()
    with child:
        _, descriptors, _, _ = socket.recv_fds(child, 1, 1)
    with socket.socket(fileno=descriptors[0]) as listener:
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            inner, _ = listener.accept()
        except OSError:  # shut down
            return
        try:
            outer = socket.create_connection(("127.0.0.1", port))
        except OSError:  # nobody listens on our side
            inner.close()
            continue
        for source, target in ((inner, outer), (outer, inner)):
            threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while content := source.recv(1 << 16):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side is gone: so is the other
        source.close()
        target.close()


def _become(handover: str, port: str, *argv: str) -> None:
    _raise_loopback()
    with (
        socket.create_server(("127.0.0.1", int(port))) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as parent,
    ):
        parent.connect(handover)
        socket.send_fds(parent, [b"x"], [listener.fileno()])
    os.execvp(argv[0], argv)  # noqa: S606


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


if __name__ == "__main__":
    _become(*sys.argv[1:])
