"""A record comes back from its document as it was, and nothing else is taken for one."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.digest import written
from planner.digest.inputs import Input, InputKind, Manifest
from planner.digest.written import Unreadable
from planner.model.build import Record, StepTime, Store, Stored
from planner.model.image import ImageName
from planner.plan import record_file
from planner.registry import artefact
from planner.registry.client import Fetched, digest_of

RECORD = Record(
    image=ImageName("base"),
    platforms=("linux/amd64", "linux/arm64"),
    key="x3-" + "1" * 32,
    resolved_key="s2-" + "2" * 64,
    stored=Stored(store=Store.REGISTRY, digest="sha256:" + "a" * 64, repository="r.example/base"),
    built_at=100.5,
    seconds=1.5,
    manifests='[{"name": "caf\\u00e9 \\udcff"}]',
    steps=(StepTime(name="[1/2] RUN true", seconds=0.5, cached=True),),
    retries=2,
)
IMAGE = Fetched(digest="sha256:" + "a" * 64, media_type="application/x", body=b"{}", document={})


def test_a_record_comes_back() -> None:
    assert record_file.read(record_file.write(RECORD), "r.example/base") == RECORD
    packed = artefact.pack(RECORD)
    assert artefact.unpack(packed, "r.example/base") == RECORD
    assert packed == artefact.pack(RECORD), "equal records make equal bytes"


def test_an_artefact_tells_its_record_without_the_layer() -> None:
    packed = artefact.pack(RECORD)
    told = artefact.summary(json.loads(artefact.manifest(RECORD, packed, IMAGE)))
    assert (told.image, told.platforms, told.key, told.resolved_key) == (
        RECORD.image,
        RECORD.platforms,
        RECORD.key,
        RECORD.resolved_key,
    )
    assert (told.digest, told.layer, told.size) == (RECORD.stored.digest, digest_of(packed), len(packed))


WRONG: dict[str, list[Any]] = {
    "version": [None, 2, "1"],
    "image": [None, 1, []],
    "platforms": [None, 1, [1]],
    "key": [None, "x3-1", "x3-" + "G" * 32, 1],
    "resolved_key": [None, "latest", {}],
    "digest": [None, "sha256:1", "sha256:" + "A" * 64],
    "built_at": [None, -1, True, "1", float("inf"), float("nan"), 1e300, 10**400, 253_402_300_800],
    "seconds": [None, -0.5, "x", 1e300],
    "steps": [None, 1, [1], [["x", -1, True]], [["x", 1.0]], [["x", 1.0, True]] * 10_001],
    "manifests": [None, [], 3],
}


@pytest.mark.parametrize("field", sorted(WRONG))
def test_a_field_of_another_kind_is_refused(field: str) -> None:
    document = json.loads(record_file.write(RECORD))
    for wrong in WRONG[field]:
        with pytest.raises(Unreadable):
            record_file.read(json.dumps({**document, field: wrong}).encode(), "r")
    del document[field]
    with pytest.raises(Unreadable):
        record_file.read(json.dumps(document).encode(), "r")


def test_a_record_of_an_older_planner_counts_no_retries() -> None:
    document = json.loads(record_file.write(RECORD))
    for wrong in (None, -1, True, 1.5, "1", 10_001):
        with pytest.raises(Unreadable):
            record_file.read(json.dumps({**document, "retries": wrong}).encode(), "r")
    del document["retries"]
    assert record_file.read(json.dumps(document).encode(), "r").retries == 0


@given(st.binary(max_size=200))
def test_bytes_that_are_no_record_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        record_file.read(data, "r")
    with pytest.raises(Unreadable):
        artefact.unpack(data, "r")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.sampled_from(["artifactType", "annotations", "layers", "subject"]), json_values)
def test_a_manifest_with_another_part_is_refused_or_tells_the_same(part: str, value: Any) -> None:
    packed = artefact.pack(RECORD)
    document = json.loads(artefact.manifest(RECORD, packed, IMAGE))
    try:
        told = artefact.summary({**document, part: value})
    except Unreadable:
        return
    assert told == artefact.summary(document)


def test_a_layer_that_grows_without_end_is_refused() -> None:
    packed = artefact.pack(RECORD)
    for cut in (1, len(packed) // 2, len(packed) - 1):
        with pytest.raises(Unreadable):
            artefact.unpack(packed[:cut], "r")


def files(count: int, *, named: str = "src/components/widgets/internal/part") -> dict[str, str]:
    return {f"{named}{number}.js": f"100644 {number:040x}" for number in range(count)}


def record_of_files(listed: dict[str, str], platforms: int) -> Record:
    item = Input(kind=InputKind.FILES, name="COPY . /", digest="x3-" + "1" * 32)
    made = [Manifest(image=ImageName("base"), platform=str(number), inputs=(item,)) for number in range(platforms)]
    return replace(RECORD, manifests=written.write(made, lambda *_: listed))


@pytest.mark.parametrize("named", ["src/components/widgets/internal/part", "app/[lang]/[[...slug]]/a,b,{c}"])
def test_a_record_of_a_large_image_comes_back(named: str) -> None:
    """Which needs less than half of the room."""
    record = record_of_files(files(100_000, named=named), platforms=2)
    plain = record_file.write(record)
    assert 16 << 20 < len(plain) < artefact.MAX_RECORD / 2
    assert artefact.unpack(artefact.pack(record), "r.example/base") == record
    assert len(written.read(record.manifests)[1].files) == 1


def test_a_record_too_long_to_be_read_still_names_its_image() -> None:
    record = record_of_files(files(130_000), platforms=6)
    assert len(record_file.write(record)) > artefact.MAX_RECORD
    assert artefact.unpack(artefact.pack(record), "r.example/base") == replace(record, manifests="")


@pytest.mark.parametrize("value", ["{}", "[]", "1.5", '"ab"', '{"":[[[]]]}'])
def test_a_small_layer_does_not_become_much_memory(value: str) -> None:
    inner = "[" + ",".join([value] * ((16 << 20) // (len(value) + 1))) + "]"
    outer = record_file.write(RECORD)[:-1].decode() + f',"more":{inner}}}'
    inside = replace(RECORD, manifests=inner)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(outer.encode()) + packer.flush()
    del outer
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            artefact.unpack(packed, "r.example/base")
        with pytest.raises(Unreadable):
            written.read(inside.manifests)
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


def test_a_layer_longer_than_any_record_is_refused() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(b" " * (artefact.MAX_RECORD + 1)) + packer.flush()
    with pytest.raises(Unreadable, match="too long"):
        artefact.unpack(packed, "r.example/base")
