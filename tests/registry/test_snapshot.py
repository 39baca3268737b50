"""What is kept of a registry stays within bounds, and what is dropped of it costs no more than asking again."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from planner.registry import artefact
from planner.registry.client import Fetched, digest_of
from planner.registry.snapshot import MAX_TAGS, SPARE_LAYERS, Snapshot
from tests.plan.test_record_file import RECORD

REPOSITORY = "r.example/base"


def keep(snapshot: Snapshot, number: int) -> str:
    """As when a record was read; gives the digest of its layer."""
    record = replace(RECORD, key=f"x3-{number:032x}")
    layer = artefact.pack(record)
    image = Fetched(digest=record.stored.digest, media_type="application/x", body=b"{}", document={})
    snapshot.keep(REPOSITORY, artefact.record_tag(record.key), artefact.manifest(record, layer, image))
    snapshot.keep_blob(layer)
    return digest_of(layer)


def layers(snapshot: Snapshot) -> set[str]:
    return {f"sha256:{place.name}" for place in (snapshot.folder / "layers").iterdir()}


def test_layers_that_no_record_leads_to_any_more_go(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path)
    kept: list[str] = []
    for number in range(MAX_TAGS + SPARE_LAYERS + 1):
        kept.append(keep(snapshot, number))
        snapshot.save("r.example", float(number))
    assert layers(snapshot) == set(kept[-MAX_TAGS:])
    again = Snapshot(tmp_path)
    assert all(again.blob(digest) for digest in kept[-MAX_TAGS:])
    assert again.blob(kept[0]) is None


def test_few_layers_are_not_looked_through(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path)
    kept = [keep(snapshot, number) for number in range(MAX_TAGS + SPARE_LAYERS)]
    snapshot.save("r.example", 1.0)
    assert layers(snapshot) == set(kept)


def test_what_a_killed_process_left_half_written_goes_once_it_is_old(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path)
    keep(snapshot, 0)
    old, young = tmp_path / "layers" / ".abc.x1", tmp_path / "layers" / ".abc.x2"
    beside = tmp_path / ".snapshot.json.x3"
    for place in (old, young, beside):
        place.write_text("half")
    for place in (old, beside):
        os.utime(place, (time.time() - 7200, time.time() - 7200))
    snapshot.save("r.example", 1.0)
    assert not old.exists()
    assert not beside.exists()
    assert young.exists(), "another process may be at it"


def test_a_manifest_that_is_none_keeps_nothing_and_stops_nothing(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path)
    kept = keep(snapshot, 0)
    snapshot.keep(REPOSITORY, "rec-x", b"no manifest")
    for number in range(MAX_TAGS + SPARE_LAYERS + 1):
        snapshot.keep_blob(str(number).encode())
    snapshot.save("r.example", 1.0)
    assert layers(snapshot) == {kept}


@pytest.mark.parametrize(
    ("tags", "looked"),
    [
        ('{"h/a":{"rec-latest":"\\ud800"}}', '{"h":1}'),
        ('{"h/a":{"rec-latest":{"a":1}},"\\ud800":{"a":"b"}}', "{}"),
        ("{}", '{"h":1' + "0" * 400 + "}"),
        ("{}", '{"h":1e300,"i":NaN,"j":-1}'),
        ("[]", "[]"),
    ],
)
def test_an_edited_snapshot_is_a_missing_one(tmp_path: Path, tags: str, looked: str) -> None:
    (tmp_path / "snapshot.json").write_text('{"version":1,"tags":' + tags + "}")
    (tmp_path / "looked.json").write_text('{"version":1,"looked":' + looked + "}")
    snapshot = Snapshot(tmp_path)
    assert snapshot.manifest("h/a", "rec-latest") is None
    assert not [repository for repository, _ in snapshot.newest_keys("\ud800")]
    for prefix in "hij":
        assert snapshot.looked_at(prefix) in (None, 1.0)
    keep(snapshot, 1)
    snapshot.save("h", 2.0)
    assert Snapshot(tmp_path).looked_at("h") == 2.0
