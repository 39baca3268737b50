"""A layout that somebody else left where an image is pulled to is an error that names it, or is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.errors import OutputError
from planner.registry.client import HttpRegistry
from planner.registry.pulling import REFERENCE, pull
from tests.engine.engine import Engine
from tests.registry.test_faults import push


@pytest.mark.parametrize(
    "index",
    [b"", b"{}", b"[]", b'{"manifests": null}', b'{"manifests": [1]}', b"\xff", b"[" * 100_000, b'{"manifests": {}}'],
    ids=["empty", "object", "list", "null", "number", "bytes", "deep", "mapping"],
)
def test_an_index_that_is_none_is_named_and_left(engine: Engine, tmp_path: Path, index: bytes) -> None:
    digest = push(engine.registry.address, "pulled/odd")
    (tmp_path / "index.json").write_bytes(index)
    with pytest.raises(OutputError, match=f"{tmp_path}/index.json: is no index"):
        pull(HttpRegistry(), f"{engine.registry.address}/pulled/odd", digest, tmp_path, "x:1")
    assert (tmp_path / "index.json").read_bytes() == index


@pytest.mark.parametrize("notes", [None, [], {}, {REFERENCE: "other"}])
def test_what_others_pulled_stays(engine: Engine, tmp_path: Path, notes: object) -> None:
    digest = push(engine.registry.address, "pulled/beside")
    other = {"digest": "sha256:" + "1" * 64, "annotations": notes}
    (tmp_path / "index.json").write_text(json.dumps({"manifests": [other]}))
    for _ in range(2):
        pull(HttpRegistry(), f"{engine.registry.address}/pulled/beside", digest, tmp_path, "x:1")
    listed = json.loads((tmp_path / "index.json").read_text())["manifests"]
    assert [one["digest"] for one in listed] == [other["digest"], digest]


def test_links_that_somebody_left_are_not_followed_nor_other_bytes_kept(engine: Engine, tmp_path: Path) -> None:
    """The folder may be part of a clone."""
    digest = push(engine.registry.address, "pulled/planted")
    repository, folder, outside = f"{engine.registry.address}/pulled/planted", tmp_path / "layout", tmp_path / "outside"
    pull(HttpRegistry(), repository, digest, folder, "x:1")
    blobs = {place: place.read_bytes() for place in (folder / "blobs" / "sha256").iterdir()}
    outside.write_text("mine")
    for place in (*blobs, folder / "oci-layout", folder / ".index.json"):
        place.unlink(missing_ok=True)
        place.symlink_to(outside)
    for name in ("x:1", "x:2"):
        pull(HttpRegistry(), repository, digest, folder, name)
        assert outside.read_text() == "mine"
        assert {place: place.read_bytes() for place in blobs} == blobs
        for place in blobs:
            place.write_text("other bytes")
