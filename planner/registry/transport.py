"""Carries requests to registries and back: redirects, bounded bodies, and patience with passing failures.

Knows no manifests. What proves who we are goes to the registry itself, nowhere else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from planner.errors import RegistryAway, RegistryError
from planner.registry import certificates, pipeline
from planner.registry.connections import PASSING, Broken, Connections, Given, is_loopback, read
from planner.registry.docker_config import HUB
from planner.registry.proofs import Proofs

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for an answer."""
STALLED = (10.0, 5.0, 20.0)
"""Seconds to connect, without a byte, and in all, after which of questions that were asked all at once the rest is
asked one by one.
"""
MAX_MANIFEST = 4 << 20
MAX_ERROR = 1 << 20
ITS_LOG = "the registry's own log says why: a full disk, for example"
MAX_HOPS = 5
MAX_PARTS = 100
"""Connections over which one long body may come."""
MOVED = frozenset({301, 302, 303, 307, 308})
HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How often a request is sent at most, and the seconds between: doubling from `first`, never above `longest`.

    A registry's own `Retry-After` is kept to, up to `longest`.
    """

    tries: int = 4
    first: float = 0.2
    longest: float = 20.0

    def pause(self, turn: int, told: str | None) -> float:
        """Seconds to wait after a try that failed, the first of which is 0."""
        if told is not None and told.strip().isdecimal():
            return min(float(told.strip()[:9]), self.longest)
        return min(self.first * 2.0**turn, self.longest)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a registry said: a body of bounded length, and headers whose names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request. `scope` says what it is allowed for, `limit` how long a body of success may be (bytes).

    `stream` is a body of `length` bytes that is sent once and cannot be sent again; such a request is tried once.
    """

    method: str
    host: str
    path: str
    scope: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: int = MAX_MANIFEST
    stream: Iterable[bytes] | None = None
    length: int = 0


class Transport:
    """May be used from several threads."""

    def __init__(self, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.patience = patience or Patience()
        self.sleep = sleep
        self.connections = Connections()
        self.proofs = Proofs(self.connections, TIMEOUT)
        self._apart: set[str] = set()
        self._dates: dict[str, tuple[str, float]] = {}

    def ask(self, request: Request) -> Answer:
        """The answer, whatever its status. Passing failures are waited out; RegistryError for those that stay."""
        tries = 1 if request.stream is not None else self.patience.tries
        for turn in range(tries):
            last = turn + 1 == tries
            try:
                answer = self._authorized(request)
            except Broken as broken:
                if last:
                    raise RegistryAway(str(broken)) from broken.__cause__
                self.sleep(self.patience.pause(turn, broken.retry_after))
                continue
            if answer.status not in PASSING or last:
                return answer
            self.sleep(self.patience.pause(turn, answer.headers.get("retry-after")))
        raise AssertionError("a request is tried at least once")

    def asks_together(self, host: str) -> bool:
        """Whether several questions can be asked of a host at once, as far as is known by now."""
        return self.proofs.common(host) is not None and host not in self._apart

    def heads(self, host: str, paths: Sequence[str], headers: Mapping[str, str]) -> list[Answer]:
        """Answers to HEAD requests, asked all at once: for the first of the paths, as far as they are beyond doubt.

        The rest is for `ask`: all of them where nothing was asked of this host before, or where each scope has a token.
        """
        if not self.asks_together(host):
            return []
        known = self.proofs.common(host)
        sent = {**headers, "Authorization": known} if known else headers
        found: list[Answer] = []
        for status, given in pipeline.heads(self.connections.way(base(host)), paths, sent, STALLED):
            if status not in (200, 404):
                return found
            found.append(Answer(status=status, headers=given))
        if len(found) < len(paths):
            # Something between here and there wants one question at a time; each more would wait in vain too.
            self._apart.add(host)
        return found

    def _authorized(self, request: Request) -> Answer:
        with closing(self._known(request)) as given:
            limit = request.limit if given.status < 300 else MAX_ERROR
            # Reading the empty body of an answer to HEAD gives its connection back.
            body = given.read(0) if request.method == "HEAD" else read(given, request.host, limit)
            return Answer(status=given.status, headers=given.headers, body=body)

    def _known(self, request: Request) -> Given:
        """The answer to somebody who says who they are, where the registry asks for that."""
        host, scope = request.host, request.scope
        found = self.proofs.find(host, scope)
        given, home = self._exchange(request, found)
        # Whoever a registry led to may not ask for its login.
        if not home or request.stream is not None or not self.proofs.is_refused(found, given.status):
            if home and given.status in (200, 404):
                self.proofs.took(host, scope)
            return given
        with closing(given):
            status, challenges = given.status, given.challenges
        return self._exchange(request, self.proofs.renew(host, scope, status, challenges))[0]

    def ahead_of(self, host: str) -> float:
        """Seconds by which the clock of this machine is ahead of a registry's, as its last answer told; 0.0 where none
        did.
        """
        told, now = self._dates.get(host, ("", 0.0))
        try:
            return now - parsedate_to_datetime(told).timestamp()
        except (ValueError, OverflowError):
            return 0.0

    def _exchange(self, request: Request, authorization: str) -> tuple[Given, bool]:
        """The answer, and whether the registry itself gave it."""
        own = base(request.host)
        absolute = request.path.startswith(("http://", "https://"))
        url = request.path if absolute else f"{own}{request.path}"
        body: bytes | Iterable[bytes] | None = request.body
        sent = dict(request.headers)
        if request.stream is not None:
            body, sent["Content-Length"] = request.stream, str(request.length)
        for _ in range(MAX_HOPS):
            # A registry may send a question or an upload elsewhere; what proves who we are stays here.
            home = url.startswith(f"{own}/")
            known = {"Authorization": authorization} if authorization and home else {}
            given = self.connections.send(request.method, url, headers={**sent, **known}, timeout=TIMEOUT, body=body)
            place = given.headers.get("location", "")
            # What stood in a cache for a while has an age, and is no clock.
            if home and "date" in given.headers and "age" not in given.headers:
                self._dates[request.host] = given.headers["date"], time.time()
            if request.method not in ("GET", "HEAD") or given.status not in MOVED or not place:
                return given, home
            given.close()
            before = url
            try:
                url = urljoin(url, place)
            except ValueError as error:
                raise RegistryError(f"{request.host}: leads to what is no address") from error
            if not url.startswith("https://") and not (url.startswith("http://") and before.startswith("http://")):
                raise RegistryError(f"{request.host}: leads to an address that is not safe")
        raise RegistryError(f"{request.host}: leads from one address to the next without end")

    def chunks(self, request: Request, size: int, seconds: float = math.inf) -> Iterator[bytes]:
        """The body of a GET in pieces, for what is too long to hold; goes on where a connection was cut.

        All of it has to come within `seconds`; without them it may take its time as long as pieces come.

        Nobody has checked the bytes, least of all that both parts are of one body: that is for a digest to tell.
        Raises RegistryError, also midway.
        """
        done = turn = 0
        ends = time.monotonic() + seconds
        for _ in range(MAX_PARTS):
            before, told = done, None
            try:
                for piece in self._rest(request, done, size, ends):
                    done += len(piece)
                    yield piece
                return
            except Broken as broken:
                # Whoever gives something each time is worth more patience than one who gives nothing.
                turn = turn + 1 if done == before else 1
                if turn >= self.patience.tries or time.monotonic() > ends:
                    raise RegistryAway(str(broken)) from broken.__cause__
                told = broken.retry_after
            self.sleep(self.patience.pause(turn - 1, told))
        raise RegistryError(f"{request.host}: breaks off without end")

    def _rest(self, request: Request, start: int, size: int, ends: float) -> Iterator[bytes]:
        """The body of a GET from a byte on. Raises Broken where the answer breaks off, or may come another time."""
        asked = replace(request, headers={**request.headers, "Range": f"bytes={start}-"}) if start else request
        with closing(self._known(asked)) as given:
            if given.status in PASSING:
                told = given.headers.get("retry-after")
                raise Broken(f"{request.host}: answers with status {given.status}", told)
            if given.status not in (200, 206 if start else 200):
                raise refused(f"{request.host}/{request.scope.split(':')[1]}", given.status)
            # A registry that knows nothing of ranges sends all of it again.
            skip = start if given.status == 200 else 0
            if given.status == 206 and not given.headers.get("content-range", "").startswith(f"bytes {start}-"):
                raise RegistryError(f"{request.host}: answers with another part than was asked for")
            given.take_time(ends - time.monotonic())
            try:
                while piece := given.read(size):
                    if len(piece) > skip:
                        yield piece[skip:]
                    skip = max(skip - len(piece), 0)
            except Broken as broken:
                raise Broken(f"{request.host}: {broken}") from broken.__cause__


def refused(repository: str, status: int) -> RegistryError:
    """What to say of a status that nobody wanted."""
    host = repository.partition("/")[0]
    hint = f"\n  docker login {host}" if status in (401, 403) else f"\n  {ITS_LOG}" if status >= 500 else ""
    kind = RegistryAway if status in PASSING else RegistryError
    return kind(f"{repository}: the registry answers with status {status}{hint}")


def base(host: str) -> str:
    """Where a registry answers: over TLS, but for loopback, as Docker has it, unless certificates are set up for it."""
    if host == HUB:
        return f"https://{HUB_HOST}"
    plain = is_loopback(host) and not certificates.are_there(host)
    return f"http://{host}" if plain else f"https://{host}"
