"""Checks a CI's identity token: size, algorithm, key, signature, issuer, audience, times. Gives its claims.

Every check that fails refuses; nothing of the token is believed before its signature holds, but for the issuer and
the key's id, which choose what it is checked with.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from planner.trust.key_sets import Keys

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384")
"""What identity tokens may be signed with: no `none`, and nothing that is made with a shared secret."""
MAX_TOKEN = 16_384
LEEWAY = 30
"""Seconds by which clocks may differ."""
MAX_AGE = 3600
"""Seconds for which a token may be used, whatever it says itself."""


class Refused(Exception):
    """A token that is not accepted. `reason` is one word for logs and clients, never a part of the token."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A token that holds: its provider, claims, own id, and when it ends (seconds since 1970)."""

    provider: str
    claims: Mapping[str, object]
    token_id: str
    ends: int


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """What tokens are checked with: `issuers` by their exact names, each with its provider and keys."""

    issuers: Mapping[str, tuple[str, Keys]]
    audience: str
    clock: Callable[[], float]

    def verify(self, token: str) -> Verified:
        """The claims of a token. Raises Refused."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise Refused("malformed")
        parts = token.split(".")
        if len(parts) != 3:
            raise Refused("malformed")
        header, unproved = _json(parts[0]), _json(parts[1])
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise Refused("algorithm")
        if not isinstance(kid, str) or "crit" in header:
            raise Refused("header")
        issuer = unproved.get("iss")
        if not isinstance(issuer, str) or issuer not in self.issuers:
            raise Refused("issuer")
        provider, keys = self.issuers[issuer]
        key = keys.find(kid)
        if key is None:
            raise Refused("key")
        try:
            claims = jwt.decode(token, key, algorithms=[str(algorithm)]).claims
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise Refused("signature") from error
        return self._in_time(provider, issuer, claims)

    def _in_time(self, provider: str, issuer: str, claims: dict[str, Any]) -> Verified:
        audience = claims.get("aud")
        if (audience if isinstance(audience, list) else [audience]) != [self.audience]:
            raise Refused("audience")
        now = self.clock()
        begins, ends, made = (_seconds(claims, name) for name in ("nbf", "exp", "iat"))
        if ends is None or made is None or ends + LEEWAY <= now:
            raise Refused("expired")
        if made > now + LEEWAY or (begins is not None and begins > now + LEEWAY):
            raise Refused("not yet valid")
        if made + MAX_AGE + LEEWAY <= now:
            raise Refused("too old")
        token_id = claims.get("jti")
        if not isinstance(token_id, str) or not 0 < len(token_id) <= 256:
            raise Refused("no id")
        return Verified(provider=provider, claims=claims, token_id=f"{issuer} {token_id}", ends=int(ends))


def _json(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Refused("malformed") from error
    if not isinstance(found, dict):
        raise Refused("malformed")
    return found


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        raise Refused("malformed")
    return float(value)
