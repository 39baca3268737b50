"""What a pull request left is read in bounded memory, and of very much a part at a time until all of it is gone."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from planner.errors import RegistryError
from planner.registry import listing
from planner.registry.artefact import EMPTY, EMPTY_BLOB, MANIFEST
from planner.registry.catalog import tags_of
from planner.registry.client import INDEXES, HttpRegistry, digest_of
from planner.registry.listing import leftovers, listings
from planner.registry.removal import OciRemover
from tests.engine.engine import Engine
from tests.registry.stocked import document, entry

CLIENT = HttpRegistry()
CONFIG = {"mediaType": EMPTY, "digest": digest_of(EMPTY_BLOB), "size": len(EMPTY_BLOB)}


def planted(repository: str, tag: str, more: str = "0") -> bytes:
    body = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": CONFIG, "layers": [CONFIG], "tag": tag})
    data = f'{body[:-1]},"x":[{more}]}}'.encode()
    CLIENT.put(repository, tag, data, MANIFEST)
    return data


@pytest.fixture
def repository(engine: Engine, tmp_path: Path) -> str:
    name = f"{engine.registry.address}/{tmp_path.name.lower().replace('_', '-')}/app"
    CLIENT.put_blob(name, EMPTY_BLOB)
    return name


def test_what_fills_a_manifest_is_not_held(repository: str) -> None:
    """A document of 4 MiB that holds nothing but brackets takes 90 MB when it is read."""
    for number in range(3):
        planted(repository, f"t{number}", more="[]," * 1_300_000 + "0")
    tracemalloc.start()
    (found,), errors = leftovers(CLIENT, [repository])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not errors
    assert len(found.manifests) == 3
    assert held < 1 << 20


def test_of_very_many_tags_a_part_goes_at_a_time(repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_MANIFESTS", 5)
    for number in range(12):
        planted(repository, f"t{number:02}")
    rounds = 0
    while CLIENT.fetch(repository, "t11") is not None:
        (found,), errors = leftovers(CLIENT, [repository])
        assert not errors
        assert found.more == (rounds < 2)
        OciRemover(CLIENT).remove(found.manifests)
        rounds += 1
    assert rounds == 3
    assert not tags_of(CLIENT, repository)


def test_an_index_of_very_many_parts_keeps_nothing(repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [entry(planted(repository, f"t{number}"), MANIFEST) for number in range(8)]
    for number in range(8):
        CLIENT.delete(repository, f"t{number}")
    body = document(INDEXES[0], manifests=parts)
    CLIENT.put(repository, "boom", body, INDEXES[0])
    monkeypatch.setattr(listing, "MAX_MANIFESTS", 5)
    with pytest.raises(RegistryError, match="more than 5 manifests"):
        listings(CLIENT, [repository])
    (found,), errors = leftovers(CLIENT, [repository])
    assert not errors
    assert found.more
    OciRemover(CLIENT).remove(found.manifests)
    assert not tags_of(CLIENT, repository)
