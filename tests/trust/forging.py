"""What whoever can write to a registry does to records there, and whether a run uses what they wrote."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from planner.model.build import Record, Store, Stored
from planner.model.image import ImageName
from planner.plan.statement import Statement, statement_bytes
from planner.registry.client import HttpRegistry
from planner.registry.leases import RegistryLeases
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.trust import seal
from tests.engine.engine import Engine
from tests.trust.pushing import Client
from tests.trust.sealing import (
    MAIN,
    PR,
    STRANGER,
    Forger,
    bundle,
    edited,
    right,
)
from tests.trust.stack import HEAD

APP = ImageName("app")
KEY, OTHER = "s2-" + "a" * 64, "s2-" + "b" * 64
RESOLVED = "s2-" + "c" * 64
POLICY = (
    HEAD
    + """\
scopes:
  main:
    {{registry: cache, cache: {path}/cache, images: {path}, write: [trusted], read: [release, trusted, pr, untrusted]}}
  release: {{registry: cache, cache: {path}-r/cache, images: {path}-r, write: [release], read: [release]}}
  pr: {{registry: cache, cache: "{path}-pr/{{number}}/c", images: "{path}-pr/{{number}}", write: [pr], read: [pr]}}
"""
)

Attack = Callable[[Statement], str]


def over(**changed: Any) -> Attack:
    """A true signature of main's over a record that says something else: moved over from there."""
    return lambda said: bundle(statement_bytes(replace(said, **changed), "main"))


def in_scope(scope: str) -> Attack:
    return lambda said: bundle(statement_bytes(said, scope))


def twice(said: Statement) -> str:
    other = base64.b64encode(statement_bytes(replace(said, digest="sha256:" + "0" * 64), "main")).decode()
    return right(said).replace('"payload":', f'"payload":"{other}","payload":')


def wrapped(said: Statement) -> str:
    """An envelope that says what the record says, with a true signature over something else."""
    good = base64.b64encode(statement_bytes(said, "main")).decode()
    signed = bundle(statement_bytes(replace(said, digest="sha256:" + "0" * 64), "main"))
    return edited(signed, lambda found: found["dsseEnvelope"].update(payload=good))


def certified(said: Statement) -> str:
    """Main's own true signature, under a certificate of main's key in place of the hint that names the key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "main")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(name, name, MAIN.public_key(), 1, day, day.replace(year=2999)).sign(MAIN, None)
    raw = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()
    material = {"certificate": {"rawBytes": raw}}
    return edited(right(said), lambda found: found.update(verificationMaterial=material))


ATTACKS: dict[str, Attack] = {
    "unsigned": lambda said: "",
    "signed by the key of pull requests": lambda said: bundle(statement_bytes(said, "main"), PR),
    "signed by a stranger in main's name": lambda said: bundle(
        statement_bytes(said, "main"), STRANGER, hint=seal.key_id(seal.public_of(MAIN))
    ),
    "the signature of another key": over(key=OTHER),
    "the signature of another image's digest": over(digest="sha256:" + "0" * 64),
    "the signature of another image": over(image="other"),
    "the signature of another platform": over(platforms=("linux/arm64",)),
    "the signature of other inputs": over(record="sha256:" + "0" * 64),
    "the signature of another resolved key": over(resolved_key=OTHER),
    "the signature of another scope": in_scope("release"),
    "the signature of a pull request's scope": in_scope("pr/17"),
    "two payloads": twice,
    "the payload exchanged": wrapped,
    "another payload type": lambda said: bundle(statement_bytes(said, "main"), kind="text/plain"),
    "a certificate in place of a key that is named": certified,
    "no bundle": lambda said: "{}",
}


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> str:
    """A prefix (HOST/PATH) of the open registry, where anybody may write."""
    return f"{engine.registry.address}/s-{tmp_path.name.replace('_', '-').lower()[-30:]}"


def pushed(engine: Engine, prefix: str, tag: str, content: bytes, image: str = APP) -> str:
    """Push a small image; its digest."""
    name = f"{prefix.partition('/')[2]}/{image}"
    assert Client(engine.registry).image(name, tag, content) == 201
    found = HttpRegistry().digest_of(f"{prefix}/{image}", tag)
    assert found is not None
    return found


def record(prefix: str, digest: str, key: str = KEY, image: str = APP) -> Record:
    return Record(
        image=ImageName(image),
        platforms=("linux/amd64",),
        key=key,
        resolved_key=RESOLVED,
        stored=Stored(store=Store.REGISTRY, digest=digest, repository=f"{prefix}/{image}"),
        built_at=1_700_000_000.0,
        seconds=1.0,
        manifests="",
    )


def records(prefix: str, folder: Path, believed: Any, *, offline: bool = False) -> PublishedRecords:
    return PublishedRecords(None if offline else HttpRegistry(), prefix, Snapshot(folder), believed)


def written(engine: Engine, prefix: str, folder: Path, attack: Attack, **more: str) -> str:
    """Write an image and a record of it as whoever can write to the registry; the image's digest."""
    digest = pushed(engine, prefix, more.get("key", KEY), b"evil")
    records(prefix, folder / "forger", Forger(attack)).add(record(prefix, digest, **more))
    return digest


WAYS = ("by key", "early cutoff", "after waiting for a lease", "to explain", "from the snapshot")


def used(prefix: str, folder: Path, way: str, believed: Any) -> bool:
    """Whether the record gets used in one of the ways that there are."""
    found = records(prefix, folder / "mine", believed)
    match way:
        case "by key":
            found.look({APP: KEY})
            return bool(found.find(APP, ("linux/amd64",), KEY))
        case "early cutoff":
            return bool(found.find_resolved(APP, ("linux/amd64",), RESOLVED))
        case "after waiting for a lease":
            taken = RegistryLeases(found, "me", 5.0).take(APP, KEY, lambda _: None, lambda: False)
            if isinstance(taken, Record):
                return True
            assert taken is not None
            taken.release()
            return False
        case "to explain":
            return found.latest(APP) is not None
    seen = records(prefix, folder / "mine", None)
    seen.look({APP: KEY})  # what a run before signatures were asked for, or somebody else, left in the folder
    seen.snapshot.save(prefix, 0.0)
    return bool(records(prefix, folder / "mine", believed, offline=True).find(APP, ("linux/amd64",), KEY))
