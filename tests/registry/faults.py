"""A proxy on loopback in front of a real registry that does one thing wrong, at one request, and then passes all on."""

from __future__ import annotations

import enum
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Fault(enum.Enum):
    """What may go wrong with one request."""

    UNAUTHORIZED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    TOO_LARGE = 413
    TOO_MANY = 429
    BROKEN = 500
    UNAVAILABLE = 503
    CUT_BEFORE = "the connection ends before the registry is asked"
    CUT_AFTER = "the registry does it, and the answer is lost"
    CUT_MIDWAY = "the answer ends in the middle"
    TRUNCATED = "a shorter body that says it is whole"
    CORRUPTED = "one byte of the body is another one"
    WRONG_DIGEST = "the digest in the headers is another one"
    NO_DIGEST = "there is no digest in the headers"
    SLOW = "the answer comes late"
    NO_LINK = "the link to the next page is missing"


@dataclass
class Proxy:
    """Requests are counted; `times` says how often one fault repeats.

    `seen` are the requests since it was armed, `every` all of them; `ranges` are the parts that were asked for, and
    `without` are headers (lower case) that are lost in both directions.
    """

    address: str
    upstream: str
    number: int = 0
    seen: list[str] = field(default_factory=list)
    every: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    without: frozenset[str] = frozenset()
    replaced: dict[str, str] = field(default_factory=dict)
    """Headers (lower case) of answers that say something else."""
    at: int = -1
    fault: Fault | None = None
    times: int = 1
    on_request: Callable[[int, str], None] | None = None
    always: Callable[[str], Fault | None] = lambda _: None
    """What goes wrong with a request (METHOD PATH) each time."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, fault: Fault | None, at: int = 0, times: int = 1) -> None:
        """Count from 0 again, and let `times` requests from number `at` on go wrong."""
        with self.lock:
            self.number, self.seen, self.ranges = 0, [], []
            self.fault, self.at, self.times = fault, at, times

    def next(self, line: str) -> Fault | None:
        """What happens to the next request."""
        with self.lock:
            number, self.number = self.number, self.number + 1
            self.seen.append(line)
            self.every.append(line)
        if self.on_request is not None:
            self.on_request(number, line)
        if fault := self.always(line):
            return fault
        return self.fault if self.at <= number < self.at + self.times else None


HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # A head and its body are two writes: else the second waits for 40 ms.

        def _pass(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            proxy.ranges.append(self.headers.get("Range", ""))
            fault = proxy.next(f"{self.command} {self.path}")
            if fault is Fault.CUT_BEFORE:
                self.close_connection = True
                return
            if fault is not None and isinstance(fault.value, int):
                self._answer(fault.value, {"Retry-After": "0"} if fault is Fault.TOO_MANY else {}, b"{}")
                return
            status, headers, answer = self._upstream(body)
            if fault is Fault.SLOW:
                time.sleep(0.3)
            if fault is Fault.CUT_AFTER:
                self.close_connection = True
                return
            self._answer(status, *_bent(fault, headers, answer), midway=fault is Fault.CUT_MIDWAY)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _pass

        def _upstream(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(proxy.upstream, timeout=30)
            try:
                headers = {
                    name: value for name, value in self.headers.items() if name.lower() not in HOP | proxy.without
                }
                connection.request(self.command, self.path, body=body or None, headers=headers)
                given = connection.getresponse()
                return given.status, dict(given.getheaders()), given.read()
            finally:
                connection.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes, *, midway: bool = False) -> None:
            self.send_response(status)
            length = headers.get("Content-Length", str(len(body))) if self.command == "HEAD" else str(len(body))
            for name, value in headers.items():
                value = proxy.replaced.get(name.lower(), value)
                if name.lower() not in HOP | proxy.without:
                    self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(body[: len(body) // 2] if midway else body)
            if midway:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


def _bent(fault: Fault | None, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    named = {name.lower(): name for name in headers}
    if fault is Fault.TRUNCATED:
        return headers, body[: len(body) // 2]
    if fault is Fault.CORRUPTED and body:
        middle = len(body) // 2
        return headers, body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    if fault is Fault.WRONG_DIGEST and "docker-content-digest" in named:
        return {**headers, named["docker-content-digest"]: "sha256:" + "0" * 64}, body
    dropped = {Fault.NO_DIGEST: "docker-content-digest", Fault.NO_LINK: "link"}.get(fault) if fault else None
    return {name: value for name, value in headers.items() if name.lower() != dropped}, body


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def faulty(upstream: str) -> Iterator[Proxy]:
    """A proxy in front of HOST:PORT."""
    proxy = Proxy(address="", upstream=upstream)
    server = _Server(("127.0.0.1", 0), _handler(proxy))
    proxy.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
