"""Asks many HEAD questions over one connection without waiting for an answer between two (RFC 9112, section 9.3.2).

Knows no registries and no logins. It gives the answers it is sure of, in order, and stops at the first doubt: whoever
asks sends the rest one by one. HEAD changes nothing, so that a question asked twice does no harm.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from planner.registry.connections import AGENT, Way

MAX_HEAD = 1 << 16
"""Bytes of one answer's head."""
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [^\r\n]*)?")
_SAFE = re.compile(r"[!-~]+")
_VALUE = re.compile(r"[ -~]*")


def heads(
    way: Way, targets: Sequence[str], headers: Mapping[str, str], timeout: tuple[float, float, float]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Status and headers (names in lower case) for the first of the targets, as far as they are beyond doubt.

    `timeout` is seconds to connect, seconds between two pieces, and seconds for all answers: who sends a byte now and
    then keeps nobody. Raises nothing for what goes wrong on the way: then the answers end.
    """
    if (
        way.proxy is not None
        or not all(map(_SAFE.fullmatch, targets))
        or not all(map(_VALUE.fullmatch, headers.values()))
    ):
        return
    name = f"[{way.name}]" if ":" in way.name else way.name
    usual = way.port == (80 if way.trust is None else 443)
    common = {"Host": name if usual else f"{name}:{way.port}", "User-Agent": AGENT, **headers}
    rest = "".join(f"{name}: {value}\r\n" for name, value in common.items())
    try:
        with closing(way.connection(timeout[:2])) as connection:
            socket, over = connection.sock, time.monotonic() + timeout[2]
            socket.sendall("".join(f"HEAD {target} HTTP/1.1\r\n{rest}\r\n" for target in targets).encode("ascii"))
            pending = b""
            for _ in targets:
                while (end := pending.find(b"\r\n\r\n")) < 0:
                    left = over - time.monotonic()
                    if left <= 0 or len(pending) > MAX_HEAD:
                        return
                    socket.settimeout(min(left, timeout[1]))
                    piece = socket.recv(MAX_HEAD)
                    if not piece:
                        return
                    pending += piece
                answer = _parsed(pending[:end])
                pending = pending[end + 4 :]
                if answer is None:
                    return
                yield answer
                if "close" in answer[1].get("connection", "").lower():
                    return
    except OSError:
        return


def _parsed(head: bytes) -> tuple[int, Mapping[str, str]] | None:
    """One answer's head; None for what is not plainly one."""
    first, *lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            return None
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    return int(status[1]), headers
