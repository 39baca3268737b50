"""Turns a signature over bytes into a Sigstore bundle (v0.3) that holds a DSSE envelope, and back. Knows no keys.

github.com/secure-systems-lab/dsse, protocol.md and envelope.md; the bundle is sigstore_bundle.proto of
github.com/sigstore/protobuf-specs as JSON, with the hint of a public key in place of a certificate.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MAX_BUNDLE = 64 << 10
"""Letters of a bundle that is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """What a bundle says, unchecked. `hint` names the key that is said to have signed."""

    payload: bytes
    payload_type: str
    signature: bytes
    hint: str


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """What is signed in place of a payload: the protocol's pre-authentication encoding (PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def write(signed: Signed) -> str:
    """The bundle, always the same text for the same signature."""
    document = {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": signed.hint}},
        "dsseEnvelope": {
            "payload": base64.b64encode(signed.payload).decode(),
            "payloadType": signed.payload_type,
            "signatures": [{"sig": base64.b64encode(signed.signature).decode(), "keyid": signed.hint}],
        },
    }
    return json.dumps(document, separators=(",", ":"))


def read(text: str) -> Signed | None:
    """What a bundle says; None for one that says it in another way, or says a thing twice."""
    if len(text) > MAX_BUNDLE:
        return None
    try:
        found = json.loads(text, object_pairs_hook=_once)
        envelope = found["dsseEnvelope"]
        (signature,) = envelope["signatures"]
        if found["mediaType"] != BUNDLE:
            return None
        return Signed(
            payload=base64.b64decode(envelope["payload"], validate=True),
            payload_type=_text(envelope["payloadType"]),
            signature=base64.b64decode(signature["sig"], validate=True),
            hint=_text(found["verificationMaterial"]["publicKey"]["hint"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Parsers differ in which of two equal names they take, so there may be no two."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is none")
    return value
