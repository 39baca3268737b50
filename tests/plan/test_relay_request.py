"""Requests to a relay: one form, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.model.image import ImageName
from planner.plan.relay_request import MAX_REQUEST, Request, RequestError, Wanted, read, write

KEY = "s2-" + "a" * 64
GOOD = Request(
    number=17,
    commit="0" * 40,
    images=(Wanted(name=ImageName("base/app"), platforms=("linux/amd64", "linux/arm64"), key=KEY),),
)


def test_a_request_is_read_as_it_was_written() -> None:
    assert read(write(GOOD).encode()) == GOOD


def changed(**fields: Any) -> bytes:
    document = json.loads(write(GOOD))
    for name, value in fields.items():
        (document["images"][0] if name in document["images"][0] else document)[name] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b" " * (MAX_REQUEST + 1),
        changed(version=2),
        changed(version=True),
        changed(number=0),
        changed(number=True),
        changed(number="17"),
        changed(number=1.0),
        changed(number=10**9),
        changed(commit="main"),
        changed(commit="--upload-pack=x"),
        changed(commit="0" * 41),
        changed(commit="0" * 40 + "\n"),
        changed(images=[]),
        changed(images=json.loads(write(GOOD))["images"] * 2),
        changed(images=[{}] * 2_001),
        changed(name="../../main/app"),
        changed(name="App"),
        changed(name="a" * 201),
        changed(name=["a"]),
        changed(platforms=[]),
        changed(platforms=["linux/amd64"] * 33),
        changed(platforms=["LINUX/AMD64"]),
        changed(platforms=["linux/amd64,linux/arm64"]),
        changed(key="x3-" + "a" * 32),
        changed(key=KEY + "\n"),
        changed(extra=1),
        changed(number=float("nan")),
        write(GOOD).replace('"number": 17', '"number": 17, "number": 18').encode(),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError):
        read(data)


NAMES = st.sampled_from(["version", "number", "commit", "images", "name", "platforms", "key"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(LEAVES, lambda one: st.lists(one) | st.dictionaries(NAMES, one), max_leaves=8))
def test_no_document_breaks_the_reader(document: object) -> None:
    with pytest.raises(RequestError):
        read(json.dumps(document).encode())
