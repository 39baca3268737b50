"""Keys, policies and seals for tests of signed records, and what somebody who may write to a registry does there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from planner.plan.statement import STATEMENT, Statement, statement_bytes
from planner.policy.scopes import Scope
from planner.policy.signing import PublicKey, Signing
from planner.trust import dsse
from planner.trust.seal import key_id, public_of

MAIN, PR, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
SCOPE = Scope(kind="main")


def public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(public_of(key)).decode()


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def section(not_after: str = "2999-01-01") -> str:
    """The section of a policy file: a key for main, another one for pull requests."""
    return f"""\
signing:
  keys:
    main: {{public: "{public_text(MAIN)}", scopes: [main, release], not_after: {not_after}}}
    pulls: {{public: "{public_text(PR)}", scopes: [pr]}}
"""


def signing(not_after: float | None = None) -> Signing:
    return Signing(
        keys=(
            PublicKey(name="main", public=public_of(MAIN), scopes=("main", "release"), not_after=not_after),
            PublicKey(name="pulls", public=public_of(PR), scopes=("pr",)),
        )
    )


def bundle(payload: bytes, key: Ed25519PrivateKey = MAIN, *, hint: str = "", kind: str = STATEMENT) -> str:
    """A bundle with a true signature of a key over a payload; `hint` names another key as the signer."""
    signature = key.sign(dsse.signed_bytes(kind, payload))
    named = hint or key_id(public_of(key))
    return dsse.write(dsse.Signed(payload=payload, payload_type=kind, signature=signature, hint=named))


def edited(text: str, edit: Callable[[dict[str, Any]], None]) -> str:
    """A bundle with something exchanged in it afterwards."""
    document = json.loads(text)
    edit(document)
    return json.dumps(document)


@dataclass(frozen=True)
class Forger:
    """A Seal of whoever can write to the registry: gives any text as the signature, and doubts nothing."""

    make: Callable[[Statement], str]

    def signature(self, said: Statement) -> str:
        return self.make(said)

    def doubt(self, said: Statement, signature: str) -> str:
        return ""


def right(said: Statement) -> str:
    """The control: signed by main's key for main."""
    return bundle(statement_bytes(said, "main"))
