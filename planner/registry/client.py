"""Speaks the OCI distribution protocol, as far as publishing needs it: is a manifest there, and let a tag name it.

Answers are checked before they are believed. Credentials are those of `docker login`; they go to the registry and to
the token server that it names over TLS, never into a message.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from planner.errors import RegistryError

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for an answer."""
MAX_MANIFEST = 4 << 20
MAX_TOKEN = 1 << 20
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
HUB_LOGIN = "https://index.docker.io/v1/"


class HttpRegistry:
    """Any registry, by the host in its repositories' names. See `planner.ports.Registry`.

    May be used from several threads: sessions are never changed after they are made.
    """

    def __init__(self) -> None:
        self._session = requests.Session()
        self._direct = requests.Session()
        self._direct.trust_env = False
        self._tokens: dict[str, str] = {}

    def _session_for(self, url: str) -> requests.Session:
        """Through the environment's proxy, but for loopback, where a proxy cannot reach."""
        return self._direct if _LOOPBACK.match(_host_of(url)) else self._session

    def digest_of(self, repository: str, reference: str) -> str | None:
        """See Registry."""
        answer = self._ask("HEAD", repository, reference, "pull")
        if answer.status_code == 404:
            return None
        self._expect(answer, repository, 200)
        digest = answer.headers.get("Docker-Content-Digest", "")
        if not _DIGEST.fullmatch(digest):
            raise RegistryError(f"{repository}: the registry names no digest for {reference}")
        return digest

    def manifest(self, repository: str, reference: str) -> tuple[str, dict[str, Any]]:
        """The digest and the document of a manifest or index. Raises RegistryError, also where there is none."""
        answer = self._ask("GET", repository, reference, "pull")
        if answer.status_code == 404:
            raise RegistryError(f"{repository}: has no {reference}")
        self._expect(answer, repository, 200)
        body = _body(answer, repository, MAX_MANIFEST)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        told = answer.headers.get("Docker-Content-Digest", digest)
        if told != digest or (_DIGEST.fullmatch(reference) and reference != digest):
            raise RegistryError(f"{repository}: the registry answers {reference} with other bytes")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RegistryError(f"{repository}: {reference} is no manifest") from error
        if not isinstance(document, dict):
            raise RegistryError(f"{repository}: {reference} is no manifest")
        return digest, document

    def blob(self, repository: str, digest: str, limit: int) -> bytes:
        """The bytes of a blob, checked against its digest. Raises RegistryError."""
        if not _DIGEST.fullmatch(digest):
            raise RegistryError(f"{repository}: {digest[:80]} is no digest")
        answer = self._ask("GET", repository, digest, "pull", kind="blobs")
        self._expect(answer, repository, 200)
        body = _body(answer, repository, limit)
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            raise RegistryError(f"{repository}: the registry answers {digest} with other bytes")
        return body

    def tag(self, repository: str, digest: str, tag: str) -> None:
        """See Registry."""
        answer = self._ask("GET", repository, digest, "pull,push")
        self._expect(answer, repository, 200)
        body = _body(answer, repository, MAX_MANIFEST)
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            raise RegistryError(f"{repository}: the registry answers {digest} with other bytes")
        kind = answer.headers.get("Content-Type", MANIFESTS[1])
        put = self._ask("PUT", repository, tag, "pull,push", body, {"Content-Type": kind})
        self._expect(put, repository, 201, 202)

    def answers(self, host: str, wait: float) -> bool:
        """Whether a registry is there and a login for it is stored. Raises RegistryError where none answers."""
        url = f"{_base(host)}/v2/"
        try:
            answer = self._session_for(url).get(url, timeout=wait, allow_redirects=False)
        except requests.RequestException as error:
            raise RegistryError(f"{host}: does not answer: {_why(error)}") from error
        if answer.status_code not in (200, 401):
            raise RegistryError(f"{host}: answers /v2/ with status {answer.status_code}, as no registry does")
        return _login(host) is not None

    def _ask(
        self,
        method: str,
        repository: str,
        reference: str,
        actions: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        kind: str = "manifests",
    ) -> requests.Response:
        host, _, path = repository.partition("/")
        scope = f"repository:{path}:{actions}"
        url = f"{_base(host)}/v2/{path}/{kind}/{reference}"
        wanted = {"Accept": ", ".join(MANIFESTS), **(headers or {})}
        answer = self._send(method, url, body, wanted, self._tokens.get(f"{host} {scope}", ""))
        if answer.status_code == 401:
            self._tokens[f"{host} {scope}"] = self._authorization(answer, host, scope)
            answer = self._send(method, url, body, wanted, self._tokens[f"{host} {scope}"])
        return answer

    def _send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], authorization: str
    ) -> requests.Response:
        sent = {**headers, **({"Authorization": authorization} if authorization else {})}
        try:
            return self._session_for(url).request(method, url, data=body, headers=sent, timeout=TIMEOUT, stream=True)
        except requests.RequestException as error:
            raise RegistryError(f"{_host_of(url)}: does not answer: {_why(error)}") from error

    def _authorization(self, answer: requests.Response, host: str, scope: str) -> str:
        """The header that a registry asks for (distribution's `spec/auth/token`), made with the stored login."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        login = _login(host)
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
            answer = self._session_for(realm).get(
                realm,
                params={"service": service, "scope": scope},
                auth=login,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            found = answer.status_code == 200
            document: Any = json.loads(_body(answer, host, MAX_TOKEN)) if found else None
        except (requests.RequestException, ValueError) as error:
            raise RegistryError(f"{host}: its token server does not answer: {_why(error)}") from error
        token = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
        if not isinstance(token, str):
            raise RegistryError(f"{host}: gives no token for {scope} (status {answer.status_code})")
        return token

    @staticmethod
    def _expect(answer: requests.Response, repository: str, *statuses: int) -> None:
        if answer.status_code in statuses:
            return
        host = repository.partition("/")[0]
        hint = f"\n  docker login {host}" if answer.status_code in (401, 403) else ""
        raise RegistryError(f"{repository}: the registry answers with status {answer.status_code}{hint}")


def _body(answer: requests.Response, repository: str, limit: int) -> bytes:
    """The body of an answer, never more than `limit` bytes of it. Raises RegistryError."""
    try:
        data: bytes = answer.raw.read(limit + 1, decode_content=True)
    except (OSError, HTTPError) as error:
        raise RegistryError(f"{repository}: the registry's answer broke off: {_why(error)}") from error
    if len(data) > limit:
        raise RegistryError(f"{repository}: the registry answers with more than {limit} bytes")
    return data


def _base(host: str) -> str:
    """Where a registry answers: over TLS, but for loopback, as Docker has it."""
    if host == HUB:
        return f"https://{HUB_HOST}"
    return f"http://{host}" if _LOOPBACK.fullmatch(host) else f"https://{host}"


def _host_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _why(error: Exception) -> str:
    """What went wrong, without the address that requests repeats (it may hold what was asked for)."""
    return type(error).__name__


def _login(host: str) -> tuple[str, str] | None:
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
