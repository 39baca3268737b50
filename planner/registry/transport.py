"""Carries requests to registries and back: connections, logins, bounded bodies, and patience with passing failures.

Knows no manifests. Credentials are those of `docker login`; they go to the registry and to the token server that it
names over TLS, never into a message.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from planner.errors import RegistryError

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for an answer."""
MAX_MANIFEST = 4 << 20
MAX_TOKEN = 1 << 20
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may well succeed."""
HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
HUB_LOGIN = "https://index.docker.io/v1/"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")


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

    `stream` is a body that is sent once and cannot be sent again; such a request is tried once.
    """

    method: str
    host: str
    path: str
    scope: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limit: int = MAX_MANIFEST
    stream: Iterable[bytes] | None = None


class Transport:
    """May be used from several threads: each has connections of its own, which are kept alive."""

    def __init__(self, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.patience = patience or Patience()
        self.sleep = sleep
        self._own = threading.local()
        self._tokens: dict[str, str] = {}

    def session_for(self, url: str) -> requests.Session:
        """Through the environment's proxy, but for loopback, where a proxy cannot reach."""
        name = "direct" if _LOOPBACK.match(host_of(url)) else "outward"
        found: requests.Session | None = getattr(self._own, name, None)
        if found is None:
            found = requests.Session()
            found.trust_env = name == "outward"
            setattr(self._own, name, found)
        return found

    def ask(self, request: Request) -> Answer:
        """The answer, whatever its status. Passing failures are waited out; RegistryError for those that stay."""
        tries = 1 if request.stream is not None else self.patience.tries
        for turn in range(tries):
            last = turn + 1 == tries
            try:
                answer = self._authorized(request)
            except Broken as broken:
                if last:
                    raise RegistryError(str(broken)) from broken.__cause__
                self.sleep(self.patience.pause(turn, None))
                continue
            if answer.status not in PASSING or last:
                return answer
            self.sleep(self.patience.pause(turn, answer.headers.get("retry-after")))
        raise AssertionError("a request is tried at least once")

    def _authorized(self, request: Request) -> Answer:
        name = f"{request.host} {request.scope}"
        answer = self._send(request, self._tokens.get(name, ""))
        if answer.status == 401 and request.stream is None:
            self._tokens[name] = self._authorization(answer, request.host, request.scope)
            answer = self._send(request, self._tokens[name])
        return answer

    def _send(self, request: Request, authorization: str) -> Answer:
        with self._exchange(request, authorization) as given:
            limit = request.limit if given.status_code < 300 else MAX_TOKEN
            body = b"" if request.method == "HEAD" else read(given, request.host, limit)
            return Answer(status=given.status_code, headers=_lower(given.headers), body=body)

    def _exchange(self, request: Request, authorization: str) -> requests.Response:
        absolute = request.path.startswith(("http://", "https://"))
        url = request.path if absolute else f"{base(request.host)}{request.path}"
        # A registry may send an upload elsewhere; what proves who we are stays here.
        known = authorization if host_of(url) == host_of(base(request.host)) else ""
        sent = {**request.headers, **({"Authorization": known} if known else {})}
        data = request.stream if request.stream is not None else request.body
        try:
            return self.session_for(url).request(
                request.method, url, data=data, headers=sent, timeout=TIMEOUT, stream=True
            )
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Broken(f"{host_of(url)}: does not answer: {why(error)}") from error

    def chunks(self, request: Request, size: int) -> Iterator[bytes]:
        """The body of a GET in pieces, for what is too long to hold. Raises RegistryError, also midway."""
        name = f"{request.host} {request.scope}"
        given = self._exchange(request, self._tokens.get(name, ""))
        if given.status_code == 401:
            answer = Answer(status=401, headers=_lower(given.headers))
            given.close()
            self._tokens[name] = self._authorization(answer, request.host, request.scope)
            given = self._exchange(request, self._tokens[name])
        with given:
            if given.status_code != 200:
                raise RegistryError(f"{request.host}: answers with status {given.status_code}")
            try:
                while piece := given.raw.read(size, decode_content=False):
                    yield piece
            except (OSError, HTTPError) as error:
                raise RegistryError(f"{request.host}: the answer broke off: {why(error)}") from error

    def _authorization(self, answer: Answer, host: str, scope: str) -> str:
        """The header that a registry asks for (distribution's `spec/auth/token`), made with the stored login."""
        challenge = answer.headers.get("www-authenticate", "")
        login = stored_login(host)
        if challenge.lower().startswith("basic"):
            if login is None:
                raise RegistryError(f"{host}: asks for a login\n  docker login {host}")
            return requests.auth._basic_auth_str(*login)
        facts = dict(_CHALLENGE.findall(challenge))
        realm = facts.get("realm", "")
        if not realm.startswith("https://") and not _LOOPBACK.match(realm.removeprefix("http://")):
            raise RegistryError(f"{host}: asks for a token in a way that is not safe: {challenge[:200]}")
        return f"Bearer {self._token(realm, facts.get('service', ''), scope, login, host)}"

    def _token(self, realm: str, service: str, scope: str, login: tuple[str, str] | None, host: str) -> str:
        try:
            answer = self.session_for(realm).get(
                realm,
                params={"service": service, "scope": scope.split(" ")},
                auth=login,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            found = answer.status_code == 200
            document: Any = json.loads(read(answer, host, MAX_TOKEN)) if found else None
        except (requests.RequestException, ValueError, Broken) as error:
            raise RegistryError(f"{host}: its token server does not answer: {why(error)}") from error
        token = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
        if not isinstance(token, str):
            raise RegistryError(f"{host}: gives no token for {scope} (status {answer.status_code})")
        return token


class Broken(Exception):
    """A request without a whole answer: worth another try."""


def read(given: requests.Response, host: str, limit: int) -> bytes:
    """The body of an answer. Raises Broken where it breaks off, RegistryError where it is longer than `limit` bytes."""
    try:
        data: bytes = given.raw.read(limit + 1, decode_content=True)
    except (OSError, HTTPError) as error:
        raise Broken(f"{host}: the registry's answer broke off: {why(error)}") from error
    if len(data) > limit:
        raise RegistryError(f"{host}: the registry answers with more than {limit} bytes")
    told = given.headers.get("Content-Length", "")
    if told.isdecimal() and "Content-Encoding" not in given.headers and len(data) < int(told):
        raise Broken(f"{host}: the registry's answer broke off after {len(data)} of {told} bytes")
    return data


def base(host: str) -> str:
    """Where a registry answers: over TLS, but for loopback, as Docker has it."""
    if host == HUB:
        return f"https://{HUB_HOST}"
    return f"http://{host}" if _LOOPBACK.fullmatch(host) else f"https://{host}"


def host_of(url: str) -> str:
    """The host of an address, with its port."""
    return url.partition("://")[2].partition("/")[0]


def why(error: Exception) -> str:
    """What went wrong, without the address that requests repeats (it may hold what was asked for)."""
    return type(error).__name__


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def stored_login(host: str) -> tuple[str, str] | None:
    """What `docker login` stored for this registry, credential helpers included."""
    from docker.auth import load_config
    from docker.errors import DockerException

    try:
        found = load_config().resolve_authconfig(HUB_LOGIN if host == HUB else host)
    except (DockerException, OSError) as error:
        raise RegistryError(f"{host}: the stored login cannot be read: {type(error).__name__}") from error
    # A credential helper's answer has capitals, what stands in the file itself has none.
    given = {str(name).lower(): str(value) for name, value in (found or {}).items()}
    return (given["username"], given.get("password", "")) if given.get("username") else None
