"""Turns what `docker login` stored and what a registry asks for into the header that proves who we are.

Knows no manifests. A login goes to the registry it is for, and to the token server that this registry names over TLS;
never into a message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from planner.errors import RegistryError
from planner.registry.connections import PASSING, Broken, Connections, basic, host_of, is_loopback, read
from planner.registry.docker_config import Login

MAX_TOKEN = 1 << 20
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def preferred(challenges: Sequence[str]) -> str:
    """Of the ways in which a registry lets somebody prove himself, a token; "" where it names none."""
    return next((one for one in challenges if one.lower().startswith("bearer")), next(iter(challenges), ""))


def authorization(
    connections: Connections, challenge: str, login: Login | None, host: str, scope: str, timeout: tuple[float, float]
) -> str:
    """The header that a registry asks for (distribution's `spec/auth/token`), made with the stored login.

    Raises RegistryError, and Broken where its token server may give one the next time.
    """
    if challenge.lower().startswith("basic"):
        if login is None or not login.name:
            raise RegistryError(f"{host}: asks for a login\n  docker login {host}")
        return basic(f"{login.name}:{login.password}")
    if not challenge.lower().startswith("bearer"):
        how = f"it asks for {challenge[:200]!r}, which is not understood" if challenge else "it names no way to log in"
        hint = "what stands before a registry, such as a proxy, may answer in its place"
        raise RegistryError(f"{host}: refuses with status 401, and {how}\n  {hint}")
    facts = dict(_CHALLENGE.findall(challenge))
    realm = facts.get("realm", "")
    plain = realm.startswith("http://") and is_loopback(host_of(realm))
    if not realm.startswith("https://") and not plain:
        raise RegistryError(f"{host}: asks for a token in a way that is not safe: {challenge[:200]!r}")
    return f"Bearer {_token(connections, realm, facts.get('service', ''), scope, login, host, timeout)}"


def _token(
    connections: Connections,
    realm: str,
    service: str,
    scope: str,
    login: Login | None,
    host: str,
    timeout: tuple[float, float],
) -> str:
    """A token from the server that a registry names. An identity token is exchanged as OAuth 2 has it."""
    try:
        if login is not None and login.token:
            form = {"grant_type": "refresh_token", "service": service, "scope": scope, "client_id": "planner"}
            body = urlencode({**form, "refresh_token": login.token}).encode()
            sent = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = connections.send("POST", realm, headers=sent, timeout=timeout, body=body)
        else:
            asked = urlencode([("service", service), *(("scope", one) for one in scope.split(" "))])
            url = f"{realm}{'&' if '?' in realm else '?'}{asked}"
            known = {"Authorization": basic(f"{login.name}:{login.password}")} if login and login.name else {}
            answer = connections.send("GET", url, headers=known, timeout=timeout)
        try:
            document: Any = json.loads(read(answer, host, MAX_TOKEN)) if answer.status == 200 else None
        finally:
            answer.close()
    except (ValueError, RecursionError):
        raise RegistryError(f"{host}: its token server does not answer: what it says is no JSON") from None
    if answer.status in PASSING:
        what = f"{host}: its token server answers with status {answer.status}"
        raise Broken(what, answer.headers.get("retry-after"))
    token = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
    # What would break a header is no token.
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise RegistryError(f"{host}: gives no token for {scope} (status {answer.status})")
    return token
