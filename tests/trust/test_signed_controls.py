"""Controls of two attacks in `test_signed_records.py`: where the check is left out, the attack succeeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.registry.snapshot import Snapshot
from planner.trust import seal
from tests.engine.engine import Engine
from tests.trust.forging import APP, records, used, written
from tests.trust.sealing import SCOPE, right, signing


def test_a_key_whose_time_is_over_is_believed_by_a_clock_that_stands(
    engine: Engine, place: str, tmp_path: Path
) -> None:
    written(engine, place, tmp_path, right)
    over = seal.seal_of(signing(not_after=1.0), SCOPE)
    assert not used(place, tmp_path, "by key", over)
    assert used(place, tmp_path, "by key", replace(over, clock=lambda: 0.0))


def test_an_exchanged_layer_is_read_where_its_digest_is_not_looked_at(
    engine: Engine,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    believed = seal.seal_of(signing(), SCOPE)
    written(engine, place, tmp_path, right)
    assert used(place, tmp_path, "to explain", believed)
    (layer,) = (tmp_path / "mine" / "layers").iterdir()
    layer.write_bytes(b"evil")
    monkeypatch.setattr(Snapshot, "blob", lambda self, digest: self._place(digest).read_bytes())
    records(place, tmp_path / "mine", believed).latest(APP)
    assert layer.read_bytes() == b"evil", "taken as it stands, not fetched anew"
