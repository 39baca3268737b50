"""Reads what stands at a URL once, to know its checksum. Keeps nothing, sends no login, and does not wait for ever."""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from urllib.parse import urljoin

from planner.errors import RegistryError
from planner.registry.connections import Broken, Connections, Given, host_of
from planner.registry.transport import MOVED

MAX_BYTES = 4 << 30
MAX_SECONDS = 900.0
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and between two pieces of an answer."""
MAX_HOPS = 10
TRIES = 4
_PIECE = 1 << 20


def checksum(url: str, *, limit: int = MAX_BYTES, seconds: float = MAX_SECONDS) -> str:
    """The `sha256:…` of what a URL gives now. Raises RegistryError."""
    reading = _Reading(limit, time.monotonic() + seconds, seconds)
    connections = Connections()
    for turn in range(TRIES):
        try:
            return reading.go_on(connections, url)
        except Broken as broken:
            reading.expect_time()
            # What gives up at its first byte is not there; what broke off is worth the rest of it.
            if turn + 1 == TRIES or not reading.size:
                raise RegistryError(str(broken).removeprefix(f"{host_of(url)}: ")) from broken.__cause__
    raise AssertionError("a download is tried at least once")


class _Reading:
    """What was read of a body so far. It goes on over a new connection only where the server vouches by a strong ETag
    that the rest is of the same bytes; else it begins again.
    """

    def __init__(self, limit: int, ends: float, seconds: float) -> None:
        self.limit = limit
        self.ends = ends
        self.seconds = seconds
        self.digest = hashlib.sha256()
        self.size = 0
        self.tag = ""

    def go_on(self, connections: Connections, url: str) -> str:
        """Read to the end, and give the checksum. Raises Broken, RegistryError."""
        part = {"Range": f"bytes={self.size}-", "If-Range": self.tag} if self.size and self.tag else {}
        with closing(_asked(connections, url, part)) as given:
            given.take_time(self.ends - time.monotonic())
            if given.status == 206 and part:
                if not given.headers.get("content-range", "").startswith(f"bytes {self.size}-"):
                    raise RegistryError("answers with another part than was asked for")
            elif given.status == 200:
                self.digest, self.size = hashlib.sha256(), 0
            else:
                raise RegistryError(f"answers with status {given.status}")
            tag = given.headers.get("etag", "")
            self.tag = tag if tag.startswith('"') else ""
            while piece := given.read(_PIECE):
                self._take(piece)
        return f"sha256:{self.digest.hexdigest()}"

    def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.limit:
            raise RegistryError(f"gives more than {self.limit} bytes")
        self.expect_time()
        self.digest.update(piece)

    def expect_time(self) -> None:
        """Raise RegistryError where there is no time left."""
        if time.monotonic() > self.ends:
            raise RegistryError(f"is not read within {self.seconds:.0f} s")


def _asked(connections: Connections, url: str, headers: dict[str, str]) -> Given:
    """The answer at the end of all redirects, whose addresses may be of any host."""
    for _ in range(MAX_HOPS + 1):
        if not url.startswith(("http://", "https://")):
            raise RegistryError("leads to an address that is none of the web")
        given = connections.send("GET", url, headers=headers, timeout=TIMEOUT)
        place = given.headers.get("location", "")
        if given.status not in MOVED or not place:
            return given
        given.close()
        try:
            url = urljoin(url, place)
        except ValueError as error:
            raise RegistryError("leads to what is no address") from error
    raise RegistryError("leads from one address to the next without end")
