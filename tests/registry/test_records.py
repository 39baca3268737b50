"""A tag that another run moves in the very moment in which a record is written: what it may name, and what not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from planner.errors import RegistryError
from planner.model.build import Record
from planner.model.image import ImageName
from planner.registry import artefact
from planner.registry.artefact import LATEST, record_tag, resolved_tag
from planner.registry.client import Fetched, HttpRegistry, digest_of, read_json
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.registry.transport import MAX_MANIFEST
from planner.registry.whole import whole
from tests.engine.engine import Engine
from tests.registry.stocked import document
from tests.registry.test_faults import DIRECT, KEY, NAME, RESOLVED, push, record_of

OTHER = "x3-" + "3" * 32
ANY = record_of("127.0.0.1/x/app", "sha256:" + "1" * 64)
LATER = replace(ANY, built_at=2000.0)


class Beside(HttpRegistry):
    """A registry in which another run writes one tag right after us."""

    def __init__(self, tag: str, body: bytes) -> None:
        super().__init__()
        self.tag_of_both, self.other = tag, body

    def put(self, repository: str, reference: str, body: bytes, media_type: str) -> Mapping[str, str]:
        told = super().put(repository, reference, body, media_type)
        if reference == self.tag_of_both:
            super().put(repository, reference, self.other, artefact.MANIFEST)
        return told


def add_beside(engine: Engine, folder: Path, tag: str, other: Record | None) -> Record | None:
    """Record an image beside a run that writes this; gives what the key leads to afterwards."""
    prefix = f"{engine.registry.address}/{folder.name.replace('_', '-').lower()[-30:].strip('-')}"
    repository = f"{prefix}/{NAME}"
    digest = push(engine.registry.address, repository.partition("/")[2])
    DIRECT.tag(repository, digest, KEY)
    config = {"mediaType": artefact.EMPTY, "digest": DIRECT.put_blob(repository, artefact.EMPTY_BLOB), "size": 2}
    body = document(artefact.MANIFEST, config=config, layers=[])
    if other is not None:
        other = replace(other, stored=replace(other.stored, repository=repository, digest=digest))
        layer = artefact.pack(other)
        DIRECT.put_blob(repository, layer)
        body = artefact.manifest(other, layer, whole(DIRECT, repository, digest))
    writer = PublishedRecords(Beside(tag, body), prefix, Snapshot(folder / "writer"))
    writer.add(record_of(repository, digest))
    reader = PublishedRecords(DIRECT, prefix, Snapshot(folder / "reader"))
    return next(iter(reader.find(NAME, ANY.platforms, KEY)), None)


@pytest.mark.parametrize(
    ("tag", "other"),
    [
        (LATEST, LATER),
        (LATEST, replace(ANY, key=OTHER, resolved_key=OTHER)),
        (resolved_tag(RESOLVED), replace(ANY, key=OTHER)),
        (record_tag(KEY), replace(LATER, resolved_key=OTHER)),
    ],
    ids=["later", "latest", "resolved", "key"],
)
def test_another_runs_record_is_as_good(engine: Engine, tmp_path: Path, tag: str, other: Record) -> None:
    found = add_beside(engine, tmp_path, tag, other)
    assert found is not None
    assert found.key == KEY


@pytest.mark.parametrize(
    ("tag", "other"),
    [
        (LATEST, replace(ANY, image=ImageName("tool"))),
        (LATEST, None),
        (resolved_tag(RESOLVED), replace(ANY, resolved_key=OTHER)),
        (record_tag(KEY), replace(ANY, key=OTHER)),
        (record_tag(KEY), None),
    ],
    ids=["image", "none", "resolved", "key", "no record"],
)
def test_a_record_that_may_not_have_the_tag_is_told(
    engine: Engine, tmp_path: Path, tag: str, other: Record | None
) -> None:
    with pytest.raises(RegistryError, match="does not name the record"):
        add_beside(engine, tmp_path, tag, other)


def test_the_list_of_what_is_attached_stays_below_what_registries_take() -> None:
    """An image that every build makes again, with the same digest, gets a record more each time."""
    image = Fetched(digest="sha256:" + "1" * 64, media_type=artefact.MANIFEST, body=b"{}", document={})
    made = read_json(artefact.manifest(ANY, b"layer", image))
    assert made is not None
    signed = {**made, "annotations": {**made["annotations"], artefact.SIGNATURE: "x" * 1_500}}
    bodies = [json.dumps({**signed, "layers": [number]}).encode() for number in range(2_501)]
    entries = [read_json(artefact.index_of_referrers(None, body)) for body in bodies[:-1]]
    known = {"manifests": [entry["manifests"][0] for entry in entries if entry is not None]}
    index = artefact.index_of_referrers(known, bodies[-1])
    assert len(index) < MAX_MANIFEST
    document = read_json(index)
    assert document is not None
    assert [one["digest"] for one in document["manifests"]] == [
        digest_of(body) for body in bodies[-artefact.MAX_LISTED :]
    ]
