"""Signs what records say, and tells whose signatures are believed: the Ed25519 keys that a policy names for a scope.

What is signed is never parsed: the statement is made anew from what a record says and from where it was found, and
only a signature over exactly these bytes counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from planner.errors import PlannerError
from planner.plan.statement import STATEMENT, Statement, statement_bytes
from planner.policy.scopes import Scope
from planner.policy.signing import PublicKey, Signing
from planner.system import given_files
from planner.trust import dsse

GIVEN = "PLANNER_SIGNING_KEY"
"""The variable with the private key itself, in PEM (PKCS#8)."""
FILE = "PLANNER_SIGNING_KEY_FILE"
"""The variable with the path of a file that holds it, which others cannot read."""
MAX_FILE = 1 << 14


def key_id(public: bytes) -> str:
    """The name of a key in signatures: the SHA-256 of its 32 bytes, hexadecimal."""
    return hashlib.sha256(public).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Seal:
    """See `planner.plan.statement.Seal`: the signatures of one scope. `signer` is this run's own key, if it has one.

    `required`: what is not signed does not count. `clock` tells seconds since 1970.
    """

    scope: Scope
    keys: Sequence[PublicKey]
    required: bool
    signer: Ed25519PrivateKey | None = None
    clock: Callable[[], float] = time.time

    def signature(self, said: Statement) -> str:
        """See Seal. "" where this run has no key of the scope and needs none."""
        if self.signer is None:
            return ""
        payload = statement_bytes(said, str(self.scope))
        hint = key_id(public_of(self.signer))
        made = self.signer.sign(dsse.signed_bytes(STATEMENT, payload))
        return dsse.write(dsse.Signed(payload=payload, payload_type=STATEMENT, signature=made, hint=hint))

    def doubt(self, said: Statement, signature: str) -> str:
        """See Seal."""
        if not signature:
            return f"is not signed, as records of scope {self.scope} must be" if self.required else ""
        if not self.keys and not self.required:
            return ""
        found = dsse.read(signature)
        if found is None:
            return "has a signature that cannot be read"
        key = next((one for one in self.keys if key_id(one.public) == found.hint), None)
        if key is None:
            return f"is signed by a key that the policy does not name for scope {self.scope}"
        if key.not_after is not None and self.clock() >= key.not_after:
            return f"is signed by {key.name}, which counts no longer"
        expected = statement_bytes(said, str(self.scope))
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(
                found.signature, dsse.signed_bytes(STATEMENT, expected)
            )
        except (InvalidSignature, ValueError):
            return f"is not what {key.name} signed for scope {self.scope}"
        # A signature of ours in an envelope that says something else would mislead whoever reads the envelope.
        if (found.payload, found.payload_type) != (expected, STATEMENT):
            return f"has a signature of {key.name} in an envelope that says something else"
        return ""


def seal_of(signing: Signing, scope: Scope | None, signer: Ed25519PrivateKey | None = None) -> Seal:
    """The signatures of a scope. What is outside of all scopes needs a signature that nobody can give."""
    if scope is None:
        return Seal(scope=Scope(kind="no scope of the policy"), keys=(), required=True)
    keys = tuple(key for key in signing.keys if scope.kind in key.scopes)
    own = signer if signer is not None and any(key.public == public_of(signer) for key in keys) else None
    return Seal(scope=scope, keys=keys, required=scope.kind in signing.required, signer=own)


def sealing(signing: Signing, scope: Scope | None, signer: Ed25519PrivateKey | None) -> Seal:
    """The same for a run that writes records. Raises PlannerError where none that it writes would count."""
    seal = seal_of(signing, scope, signer)
    if not seal.required:
        return seal
    if signer is None:
        hint = f"set {GIVEN} or {FILE}; planner signing-key init makes one"
        raise PlannerError(f"records of {seal.scope} must be signed, and this run has no key\n  {hint}")
    if seal.signer is None:
        raise PlannerError(f"this run's key ({key_id(public_of(signer))[:16]}) signs nothing for {seal.scope}")
    used = next(key for key in seal.keys if key.public == public_of(signer))
    if used.not_after is not None and seal.clock() >= used.not_after:
        raise PlannerError(f"this run's key, {used.name}, counts no longer: give the policy a new one")
    return seal


def public_of(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of its public key."""
    return key.public_key().public_bytes_raw()


def given_key(environment: MutableMapping[str, str]) -> Ed25519PrivateKey | None:
    """This run's private key, None where it has none; taken out of the environment, so that nothing inherits it.

    Raises PlannerError for one that cannot be used, with nothing of it in the message.
    """
    text, path = environment.pop(GIVEN, ""), environment.pop(FILE, "")
    if text:
        return _read(text.encode(), GIVEN)
    return _read(_file(Path(path)), path) if path else None


def _file(path: Path) -> bytes:
    def look(status: os.stat_result) -> None:
        if status.st_mode & 0o077:
            raise PlannerError(f"{path}: others can read it\n  chmod 600, or make a new key if they have")

    try:
        return given_files.read(path, MAX_FILE, look)
    except OSError as error:
        raise PlannerError(f"{path}: cannot be read: {error.strerror}") from error


def _read(data: bytes, where: str) -> Ed25519PrivateKey:
    hint = "it is PEM (PKCS#8) without a password; planner signing-key init makes one"
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PlannerError(f"{where}: holds no private key that can be read\n  {hint}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise PlannerError(f"{where}: is no Ed25519 key\n  {hint}")
    return key


def new_key(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it to a file that is not there yet, readable by its owner alone. Raises PlannerError."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    mode = stat.S_IRUSR | stat.S_IWUSR
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError as error:
        raise PlannerError(f"{path}: is there already, and no key is written over it\n  name another file") from error
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise PlannerError(f"{path}: cannot be written: {error.strerror}") from error
    return key
