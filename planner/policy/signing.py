"""Whose signatures a policy believes: public keys by scope, and the scopes whose records count only when signed.

Knows no cryptography and no clock: bytes, names and times are values here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.policy.levels import TRUSTING, Level
from planner.policy.scopes import MAIN, PR, RELEASE

REQUIRED = (MAIN, RELEASE)
"""The scopes whose records must be signed, where a policy has `signing:` and does not say so itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKey:
    """A key that signs records of these kinds of scopes. `public` are the 32 bytes of an Ed25519 key (RFC 8032).

    From `not_after` on (seconds since 1970, None for never) nothing counts that it signed, whenever that was: when that
    was, nobody but the signer says.
    """

    name: str
    public: bytes
    scopes: tuple[str, ...]
    not_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Signing:
    """The section `signing:` of a policy."""

    keys: tuple[PublicKey, ...] = ()
    required: tuple[str, ...] = field(default=REQUIRED)


def mistaken(signing: Signing, writers: Mapping[str, Sequence[Level]]) -> Sequence[str]:
    """What makes signatures worth nothing: a key that serves trusted and other writers, a scope without any key.

    `writers` are the levels that write each scope.
    """
    found: list[str] = []
    below = {kind for kind, levels in writers.items() if not set(levels) <= set(TRUSTING)} | {PR}
    by_bytes: dict[bytes, set[str]] = {}
    for key in signing.keys:
        by_bytes.setdefault(key.public, set()).update(key.scopes)
    for key in signing.keys:
        signs = by_bytes[key.public]
        if signs & below and signs - below:
            mixed = f"{', '.join(sorted(signs - below))} and for {', '.join(sorted(signs & below))}"
            found.append(f"signing.keys.{key.name}: signs for {mixed}: who is not trusted would sign for who is")
    for kind in signing.required:
        if kind in writers and not any(kind in key.scopes for key in signing.keys):
            found.append(f"signing: records of scope {kind} must be signed, and no key signs for it")
    return tuple(dict.fromkeys(found))
