"""Sends single requests over connections that are kept open, through the environment's proxies and over TLS.

Knows no registries and no logins. Nothing is sent twice, and no redirect is followed. The standard library's client
does the work: a plan asks a thousand small questions, and of each the larger libraries make twice the cost.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import select
import threading
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from planner.errors import RegistryError
from planner.registry import certificates
from planner.registry.timely import Timely

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

KEPT = 32
"""Connections to one host that are kept."""
SHORT = 1 << 14
AGENT = "image-family-planner"
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may well succeed."""


class Broken(Exception):
    """A request without an answer of use: worth another try, where `retry_after` tells so after that many seconds."""

    def __init__(self, what: str, retry_after: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(what)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How to reach one origin: itself, or a proxy for it. `trust` is None without TLS."""

    name: str
    port: int
    trust: ssl.SSLContext | None
    proxy: tuple[str, int] | None = None
    proxy_login: Mapping[str, str] = field(default_factory=dict, repr=False)

    def connection(self, timeout: tuple[float, float]) -> http.client.HTTPConnection:
        """A new connection. Raises OSError or HTTPException."""
        host, port = self.proxy or (self.name, self.port)
        made: http.client.HTTPConnection
        if self.trust is None:
            made = http.client.HTTPConnection(host, port, timeout=timeout[0])
        else:
            made = http.client.HTTPSConnection(host, port, timeout=timeout[0], context=self.trust)
            if self.proxy is not None:
                made.set_tunnel(self.name, self.port, dict(self.proxy_login))
        made.response_class = Timely
        made.connect()
        made.sock.settimeout(timeout[1])
        return made

    def asked(self, origin: str, target: str) -> tuple[str, Mapping[str, str]]:
        """What stands in the request's line, and the headers for a proxy that reads them."""
        if self.proxy is not None and self.trust is None:
            return f"{origin}{target}", self.proxy_login
        return target, {}


class Given:
    """An answer: its head, and a body that is still to be read. Closing it keeps the connection for the next request
    if nothing of the body is left.
    """

    def __init__(
        self,
        response: Timely,
        connection: http.client.HTTPConnection,
        kept: list[http.client.HTTPConnection],
    ) -> None:
        self.status = response.status
        headers = {name.lower(): value for name, value in response.getheaders()}
        if "retry-after" in headers:
            headers["retry-after"] = _seconds_of(headers["retry-after"], headers.get("date", ""))
        self.headers: Mapping[str, str] = headers
        self.challenges: tuple[str, ...] = tuple(response.headers.get_all("www-authenticate", ()))
        self._response = response
        self._connection = connection
        self._kept = kept
        self._left = response.length

    def take_time(self, seconds: float = math.inf) -> None:
        """Let the rest of the body take this long from now on, for as long as pieces of it come."""
        self._response.take_time(seconds)

    def read(self, size: int) -> bytes:
        """The next bytes of the body, at most `size`; b"" at its end. Raises Broken where it breaks off before."""
        try:
            data = self._response.read(size)
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"the answer broke off: {why(error)}") from error
        if self._left is not None:
            self._left -= len(data)
            if not data and self._left > 0 and size:
                raise Broken(f"the answer broke off with {self._left} bytes to come")
        return data

    def close(self) -> None:
        """Read no more, but for a rest that is shorter than a new connection is dear."""
        if self._left is not None and 0 < self._left <= SHORT:
            with contextlib.suppress(Broken):
                while self.read(SHORT):
                    pass
        whole = self._response.isclosed() and not self._response.will_close and not (self._left or 0)
        self._response.close()
        if whole and len(self._kept) < KEPT:
            self._kept.append(self._connection)
        else:
            self._connection.close()


def _seconds_of(told: str, now: str) -> str:
    """A `Retry-After` in seconds; a date is taken by the clock of whoever gave it."""
    try:
        return f"{max(parsedate_to_datetime(told).timestamp() - parsedate_to_datetime(now).timestamp(), 0.0):.0f}"
    except (ValueError, OverflowError):
        return told


class Connections:
    """The connections of one process, for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ways: dict[str, Way] = {}
        self._kept: dict[str, list[http.client.HTTPConnection]] = {}

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
        body: bytes | Iterable[bytes] | None = None,
    ) -> Given:
        """The answer, its body unread: to be closed. `timeout` is seconds to connect and seconds between two pieces.
        All of it has to come in time (see `timely`).

        Raises Broken where none comes, RegistryError where the other side is not who it should be.
        """
        origin, target = _parted(url)
        host = host_of(url)
        way = self.way(origin)
        kept = self._kept[origin]
        line, more = way.asked(origin, target)
        connection = None
        try:
            connection = _waiting(kept) or way.connection(timeout)
            response = _answered(connection, method, line, body, {"User-Agent": AGENT, **headers, **more})
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, OSError | http.client.HTTPException | ValueError):
                raise _told(error, host) from error
            raise
        return Given(response, connection, kept)

    def way(self, origin: str) -> Way:
        """How to reach an origin (scheme and host). Raises RegistryError."""
        known = self._ways.get(origin)
        if known is not None:
            return known
        with self._lock:
            if origin not in self._ways:
                self._kept[origin] = []
                self._ways[origin] = way_to(origin)
            return self._ways[origin]


def _waiting(kept: list[http.client.HTTPConnection]) -> http.client.HTTPConnection | None:
    """A connection that the other side has not ended meanwhile."""
    while kept:
        try:
            found = kept.pop()
        except IndexError:
            return None
        # What says something unasked is at its end.
        poll = select.poll()
        poll.register(found.sock, select.POLLIN)
        if not poll.poll(0):
            return found
        found.close()
    return None


def _answered(
    connection: http.client.HTTPConnection,
    method: str,
    line: str,
    body: bytes | Iterable[bytes] | None,
    headers: Mapping[str, str],
) -> Timely:
    try:
        connection.request(method, line, body=body, headers=headers)
    except (BrokenPipeError, ConnectionResetError):
        # Who refuses a long body may answer before its end, and close.
        if body is None:
            raise
    return cast(Timely, connection.getresponse())


def _told(error: Exception, host: str) -> Exception:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RegistryError(
            f"{host}: its certificate is not one that this machine trusts\n"
            f"  put the authority behind it into {certificates.PLACES[0]}/{host}/ca.crt"
        )
    return Broken(f"{host}: does not answer: {why(error)}")


def way_to(origin: str) -> Way:
    """Through the environment's proxy, but for loopback, where a proxy cannot reach. Raises RegistryError."""
    host = host_of(origin)
    try:
        parts = urlsplit(origin)
        name, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        trust = certificates.context(host) if parts.scheme == "https" else None
        proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
        if not proxy:
            return Way(name=name, port=port, trust=trust)
        other = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if other.scheme != "http" or not other.hostname:
            raise RegistryError(f"{host}: its proxy is none that speaks plain HTTP, and no other is understood")
        known = f"{unquote(other.username or '')}:{unquote(other.password or '')}"
        login = {"Proxy-Authorization": basic(known)} if other.username else {}
        return Way(name=name, port=port, trust=trust, proxy=(other.hostname, other.port or 80), proxy_login=login)
    except ValueError as error:
        raise RegistryError(f"{host}: has no address that can be asked") from error


def read(given: Given, host: str, limit: int) -> bytes:
    """The body of an answer. Raises Broken where it breaks off, RegistryError where it is longer than `limit` bytes."""
    if given.headers.get("content-encoding", "identity") != "identity":
        raise RegistryError(f"{host}: answers in an encoding that was not asked for")
    pieces, size = [], 0
    try:
        while piece := given.read(limit + 1 - size):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise RegistryError(f"{host}: the registry answers with more than {limit} bytes")
    except Broken as broken:
        raise Broken(f"{host}: {broken}") from broken.__cause__
    return b"".join(pieces)


def basic(login: str) -> str:
    """The header's value for NAME:PASSWORD."""
    return f"Basic {b64encode(login.encode()).decode()}"


def is_loopback(host: str) -> bool:
    """Whether a host (with or without a port) is this machine by its name alone."""
    name, colon, port = host.rpartition(":")
    name = name if colon and port.isdecimal() else host
    parts = name.split(".")
    return name in ("localhost", "[::1]") or (
        len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)
    )


def host_of(url: str) -> str:
    """The host of an address, with its port and without a login."""
    return _parted(url)[0].partition("://")[2].rpartition("@")[2]


def why(error: Exception) -> str:
    """What went wrong, without the address that libraries repeat (it may hold what was asked for).

    What the system says of an error number repeats none; of all other errors only the name is told.
    """
    said = error.strerror if isinstance(error, OSError) and isinstance(error.errno, int) else None
    return said if said and type(error).__module__ != "ssl" else type(error).__name__


def _parted(url: str) -> tuple[str, str]:
    """An address as scheme with host, and what is asked of it."""
    plain = url.partition("#")[0]
    ends = (at for mark in "/?" if (at := plain.find(mark, plain.find("://") + 3)) >= 0)
    start = min(ends, default=len(plain))
    target = plain[start:]
    return plain[:start], target if target.startswith("/") else f"/{target}"
