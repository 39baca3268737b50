"""Identity tokens as CI providers make them, and as attackers would like them to be."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.trust.runs import claims_of

ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "registry.acme.example"
KEY = RSAKey.generate_key(2048, parameters={"kid": "github-1"})
STRANGER = RSAKey.generate_key(2048, parameters={"kid": "github-1"})
CURVED = ECKey.generate_key("P-256", parameters={"kid": "github-2"})


def key_set() -> str:
    return json.dumps({"keys": [{**key.as_dict(private=False), "use": "sig"} for key in (KEY, CURVED)]})


def claims(run: str, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    times = {"iat": now, "nbf": now, "exp": now + 300}
    made = {**claims_of(run), "iss": ISSUER, "aud": AUDIENCE, "jti": secrets.token_hex(8), **times, **changed}
    return {name: value for name, value in made.items() if value is not None}


def token(run: str, *, key: Any = KEY, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token of a run; a claim that is changed to None is left out."""
    algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
    return jwt.encode({"alg": algorithm, "kid": key.kid, **(header or {})}, claims(run, **changed), key)


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def unsigned(run: str, algorithm: str = "none") -> str:
    return f"{part({'alg': algorithm, 'kid': KEY.kid})}.{part(claims(run))}."


def signed_with_the_public_key(run: str) -> str:
    """HS256 with the provider's public key as the secret: passes wherever the header is believed."""
    import hashlib
    import hmac

    body = f"{part({'alg': 'HS256', 'kid': KEY.kid})}.{part(claims(run))}"
    mac = hmac.new(KEY.as_pem(private=False), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def opened(registry_token: str) -> dict[str, Any]:
    """The claims of a registry token, unchecked."""
    body = registry_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found
