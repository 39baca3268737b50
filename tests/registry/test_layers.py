"""What a run keeps of the layers of records until it ends has an end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.registry import layers
from planner.registry.layers import Layers
from planner.registry.snapshot import Snapshot
from tests.registry.test_faults import record_of

RECORD = replace(record_of("127.0.0.1/x/app", "sha256:" + "1" * 64), manifests="[" + " " * 98 + "]")


def test_manifests_beyond_the_most_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MAX_KEPT", 250)
    reader = Layers(None, Snapshot(tmp_path))
    assert [reader.kept(RECORD) for _ in range(3)] == [RECORD, RECORD, replace(RECORD, manifests="")]
