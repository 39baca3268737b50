"""Records in a real registry that somebody else can write to: what is not signed as the policy asks is not reused.

Every attack has its controls: signed as it should be the same record is reused, and with no signatures asked for the
attack succeeds, so that the test is known to see it. Planted mistakes show that the attacks would find them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from planner.plan import statement as statements
from planner.plan.statement import Statement, statement_bytes
from planner.registry.belief import Belief
from planner.registry.client import HttpRegistry
from planner.trust import dsse, seal
from tests.engine.engine import Engine
from tests.trust.forging import APP, ATTACKS, KEY, WAYS, record, records, used, written
from tests.trust.sealing import (
    MAIN,
    SCOPE,
    bundle,
    right,
    signing,
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attack", ["unsigned", "the signature of another scope"])
def test_no_way_uses_a_forged_record(engine: Engine, place: str, tmp_path: Path, way: str, attack: str) -> None:
    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, ATTACKS[attack])
    assert not used(place, tmp_path, way, believed)
    assert used(place, tmp_path, way, None), "control: nobody asks for signatures, and the attack succeeds"
    written(engine, place, tmp_path, right)
    assert used(place, tmp_path / "right", way, believed), "control: the right signature"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_forged_record_is_used(engine: Engine, place: str, tmp_path: Path, attack: str) -> None:
    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, ATTACKS[attack])
    mine = records(place, tmp_path / "mine", believed)
    mine.look({APP: KEY})
    assert mine.find(APP, ("linux/amd64",), KEY) == []
    assert f"{place}/app:rec-{KEY} " in mine.warnings[0]
    assert mine.refused(APP)
    assert used(place, tmp_path / "off", "by key", None), "control: nobody asks for signatures, and the attack succeeds"
    written(engine, place, tmp_path, right)
    assert used(place, tmp_path / "right", "by key", believed), "control: the right signature"


def test_a_key_whose_time_is_over_is_believed_no_longer(engine: Engine, place: str, tmp_path: Path) -> None:
    written(engine, place, tmp_path, right)
    assert not used(place, tmp_path, "by key", seal.seal_of(signing(not_after=1.0), SCOPE))
    assert used(place, tmp_path, "by key", seal.seal_of(signing(not_after=4e9), SCOPE)), "control"


def test_who_cannot_sign_hides_no_signed_record(engine: Engine, place: str, tmp_path: Path) -> None:
    """A build that only reads records what it cut off; without a key that must not take the place of what is signed."""
    digest = written(engine, place, tmp_path, right)
    tag = f"{place}/app", f"rec-{KEY}"
    before = HttpRegistry().digest_of(*tag)
    reader = records(place, tmp_path / "reader", seal.seal_of(signing(), SCOPE))
    reader.add(replace(record(place, digest), built_at=1_800_000_000.0))
    assert HttpRegistry().digest_of(*tag) == before
    assert "is not signed" in reader.warnings[0]
    writer = records(place, tmp_path / "writer", seal.seal_of(signing(), SCOPE, MAIN))
    writer.add(replace(record(place, digest), built_at=1_800_000_000.0))
    assert HttpRegistry().digest_of(*tag) != before, "control"


def test_a_layer_that_was_exchanged_is_not_read(engine: Engine, place: str, tmp_path: Path) -> None:
    """The signature covers the layer's digest, and the layer is checked against it, also in the snapshot."""
    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, right)
    assert used(place, tmp_path, "to explain", believed), "control"
    (layer,) = (tmp_path / "mine" / "layers").iterdir()
    layer.write_bytes(b"evil")
    again = records(place, tmp_path / "mine", believed)
    assert again.latest(APP) is not None
    assert layer.read_bytes() != b"evil", "fetched anew"


def _forgets_scope(said: Statement, scope: str) -> bytes:
    document = json.loads(statement_bytes(said, scope))
    del document["scope"]
    return json.dumps(document).encode()


def _forgets_digest(said: Statement, scope: str) -> bytes:
    return statement_bytes(replace(said, digest=""), scope)


def _believes_the_envelope(self: seal.Seal, said: Statement, signature: str) -> str:
    """The usual mistake: the envelope's own payload is checked, and the record is believed to be it."""
    found = dsse.read(signature)
    key = next((one for one in self.keys if found and seal.key_id(one.public) == found.hint), None)
    if found is None or key is None:
        return "no"
    public = Ed25519PublicKey.from_public_bytes(key.public)
    public.verify(found.signature, dsse.signed_bytes(found.payload_type, found.payload))
    return ""


def _checks_after_use(self: Belief, *_: object) -> str:
    """Plants "verify after use": what was found is handed out, and the doubt is only noted."""
    return ""


PLANTED = [
    ("the signature of another scope", seal, "statement_bytes", _forgets_scope),
    ("the signature of another image's digest", seal, "statement_bytes", _forgets_digest),
    ("the signature of another key", seal.Seal, "doubt", _believes_the_envelope),
    ("unsigned", Belief, "doubt", _checks_after_use),
]


@pytest.mark.parametrize(("attack", "where", "name", "mistake"), PLANTED)
def test_a_planted_mistake_is_found_by_its_attack(
    engine: Engine, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    attack: str, where: Any, name: str, mistake: Any,
) -> None:  # fmt: skip
    def forged(said: Statement) -> str:
        if where is not seal:
            return ATTACKS[attack](said)
        # What main signs for the release, or for another image, has to be made by the mistaken program itself.
        other = replace(said, digest="sha256:" + "0" * 64) if "digest" in attack else said
        return bundle(seal.statement_bytes(other, "release" if "scope" in attack else "main"))

    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, forged)
    assert not used(place, tmp_path, "by key", believed)
    monkeypatch.setattr(where, name, mistake)
    written(engine, place, tmp_path, forged)
    assert used(place, tmp_path / "planted", "by key", believed), "the attack sees the mistake"
    assert statements.statement_bytes is statement_bytes
