"""Checks a CI's identity token: size, algorithm, key, signature, issuer, audience, times. Gives its claims.

A client sends the same token for each repository, so a signature that held is remembered, by the token's hash and with
the key that proved it; times and audience are looked at each time.

Every check that fails refuses; nothing of the token is believed before its signature holds, but for the issuer and
the key's id, which choose what it is checked with.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from planner.trust.key_sets import Keys

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384")
"""What identity tokens may be signed with: no `none`, and nothing that is made with a shared secret."""
MAX_TOKEN = 16_384
LEEWAY = 30
"""Seconds by which clocks may differ."""
MAX_PROVED = 4096
"""Tokens whose signatures are remembered; their claims are at most MAX_TOKEN bytes each."""
MAX_AGE = 3600
"""Seconds for which a token may be used, whatever it says itself."""


class Refused(Exception):
    """A token that is not accepted. `reason` is one word for logs and clients, never a part of the token."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A token that holds: its provider, claims, own id, and when it ends to count (seconds since 1970)."""

    provider: str
    claims: Mapping[str, object]
    token_id: str
    ends: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proved:
    """Claims whose signature held, and what proved it."""

    issuer: str
    kid: str
    key: RSAKey | ECKey
    claims: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """What tokens are checked with: `issuers` by their exact names, each with its provider and keys."""

    issuers: Mapping[str, tuple[str, Keys]]
    audience: str
    clock: Callable[[], float]
    _proved: OrderedDict[bytes, _Proved] = field(default_factory=OrderedDict, repr=False)

    def is_proved(self, token: str) -> bool:
        """Whether checking this token waits for nobody: its signature held before, by a key that is at hand still."""
        proved = self._proved.get(_hash(token))
        return proved is not None and self.issuers[proved.issuer][1].at_hand(proved.kid) is proved.key

    def verify(self, token: str) -> Verified:
        """The claims of a token. Raises Refused."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise Refused("malformed")
        proved = self._proved.get(_hash(token))
        if proved is not None:
            provider, keys = self.issuers[proved.issuer]
            if keys.find(proved.kid) is proved.key:
                return self._in_time(provider, proved.issuer, proved.claims)
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
        verified = self._in_time(provider, issuer, claims)
        self._proved[_hash(token)] = _Proved(issuer=issuer, kid=kid, key=key, claims=claims)
        if len(self._proved) > MAX_PROVED:
            self._proved.popitem(last=False)
        return verified

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
        ends = math.ceil(min(ends, made + MAX_AGE))
        return Verified(provider=provider, claims=claims, token_id=f"{issuer} {token_id}", ends=ends)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


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
