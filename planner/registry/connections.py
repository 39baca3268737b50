"""Sends single requests over connections that are kept open, through the environment's proxies and over TLS.

Knows no registries and no logins. Nothing is sent twice, and no redirect is followed, unless the caller does so.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout, make_headers

from planner.errors import RegistryError
from planner.registry import certificates

OPEN = 32
"""Connections to one host that are kept."""
AGENT = "image-family-planner"


class Broken(Exception):
    """A request without a whole answer: worth another try."""


class Connections:
    """The connections of one process, for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ways: dict[str, HTTPConnectionPool | urllib3.ProxyManager] = {}

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
        body: bytes | Iterable[bytes] | None = None,
    ) -> BaseHTTPResponse:
        """The answer, its body unread: to be closed. `timeout` is seconds to connect and seconds between two pieces.

        Raises Broken where none comes, RegistryError where the other side is not who it should be.
        """
        host = host_of(url)
        origin, target = _parted(url)
        way = self._ways.get(origin) or self._opened(origin)
        given = {"User-Agent": AGENT, **headers}
        wait = Timeout(connect=timeout[0], read=timeout[1])
        place = url if isinstance(way, urllib3.ProxyManager) else target
        try:
            return way.urlopen(
                method,
                place,
                body=body,
                headers=given,
                timeout=wait,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise RegistryError(
                    f"{host}: nobody whom this machine trusts vouches for its certificate\n"
                    f"  put its authority into {certificates.PLACES[0]}/{host}/ca.crt"
                ) from None
            raise Broken(f"{host}: does not answer: {why(error)}") from error
        except (HTTPError, OSError, ValueError) as error:
            raise Broken(f"{host}: does not answer: {why(error)}") from error

    def _opened(self, origin: str) -> HTTPConnectionPool | urllib3.ProxyManager:
        with self._lock:
            if origin not in self._ways:
                self._ways[origin] = _way_to(origin)
            return self._ways[origin]


def _way_to(origin: str) -> HTTPConnectionPool | urllib3.ProxyManager:
    """Through the environment's proxy, but for loopback, where a proxy cannot reach. Raises RegistryError."""
    try:
        parts = urlsplit(origin)
        host, name, port = host_of(origin), parts.hostname or "", parts.port
    except ValueError as error:
        raise RegistryError(f"{host_of(origin)}: is no host") from error
    trust = certificates.context(host) if parts.scheme == "https" else None
    proxy = None if is_loopback(host) or proxy_bypass(name) else getproxies().get(parts.scheme)
    if proxy:
        whole = proxy if "://" in proxy else f"http://{proxy}"
        login = urlsplit(whole)
        known = f"{login.username}:{login.password or ''}" if login.username else None
        headers = make_headers(proxy_basic_auth=known) if known else None
        return urllib3.ProxyManager(whole, maxsize=OPEN, proxy_headers=headers, ssl_context=trust)
    if trust is None:
        return HTTPConnectionPool(name, port, maxsize=OPEN)
    return HTTPSConnectionPool(name, port, maxsize=OPEN, ssl_context=trust)


def read(given: BaseHTTPResponse, host: str, limit: int) -> bytes:
    """The body of an answer. Raises Broken where it breaks off, RegistryError where it is longer than `limit` bytes."""
    try:
        data = given.read(limit + 1, decode_content=True)
    except (OSError, HTTPError) as error:
        raise Broken(f"{host}: the registry's answer broke off: {why(error)}") from error
    if len(data) > limit:
        raise RegistryError(f"{host}: the registry answers with more than {limit} bytes")
    told = given.headers.get("Content-Length", "")
    if told.isdecimal() and "Content-Encoding" not in given.headers and len(data) < int(told):
        raise Broken(f"{host}: the registry's answer broke off after {len(data)} of {told} bytes")
    return data


def is_loopback(host: str) -> bool:
    """Whether a host (with or without a port) is this machine by its name alone."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    if name in ("localhost", "[::1]"):
        return True
    parts = name.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)


def host_of(url: str) -> str:
    """The host of an address, with its port and without a login."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


def why(error: Exception) -> str:
    """What went wrong, without the address that libraries repeat (it may hold what was asked for)."""
    return type(error).__name__


def _parted(url: str) -> tuple[str, str]:
    """An address as scheme with host, and what is asked of it."""
    start = url.find("/", url.find("://") + 3)
    return (url, "/") if start < 0 else (url[:start], url[start:])
