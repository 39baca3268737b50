"""Indexes that name each other again and again: each part is asked for once, and no image is without bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.build.layout import Incomplete, Layout
from planner.errors import RegistryError
from planner.registry import whole as bounds
from planner.registry.artefact import EMPTY, EMPTY_BLOB, MANIFEST
from planner.registry.client import INDEXES, Fetched, HttpRegistry, digest_of
from planner.registry.copying import plan_copy
from planner.registry.whole import manifests_of, whole
from tests.engine.engine import Engine
from tests.registry.stocked import document, entry

TIMES = 100
"""How often each index names the one below: a walk that follows each mention takes a million requests."""


class Counting(HttpRegistry):
    """Counts what is fetched, and ends a test that would not end."""

    fetched = 0
    looked = 0

    def fetch(self, repository: str, reference: str) -> Fetched | None:
        self.fetched += 1
        assert self.fetched < TIMES
        return super().fetch(repository, reference)

    def has_blob(self, repository: str, digest: str) -> bool:
        self.looked += 1
        assert self.looked < TIMES
        return super().has_blob(repository, digest)


def bomb() -> list[tuple[bytes, str]]:
    """An image in three indexes, each of which names what is below it many times; what is named comes first."""
    config = {"mediaType": EMPTY, "digest": digest_of(EMPTY_BLOB), "size": len(EMPTY_BLOB)}
    levels = [(document(MANIFEST, config=config, layers=[config] * TIMES), MANIFEST)]
    for _ in range(3):
        levels.append((document(INDEXES[0], manifests=[entry(*levels[-1])] * TIMES), INDEXES[0]))
    return levels


def pushed(engine: Engine, name: str) -> tuple[str, str]:
    """The bomb's repository and digest."""
    client, repository = HttpRegistry(), f"{engine.registry.address}/{name}"
    client.put_blob(repository, EMPTY_BLOB)
    for body, media_type in bomb():
        client.put(repository, digest_of(body), body, media_type)
    return repository, digest_of(bomb()[-1][0])


def test_each_part_is_asked_for_once(engine: Engine) -> None:
    repository, digest = pushed(engine, "bomb/one")
    client = Counting()
    assert whole(client, repository, digest).digest == digest
    assert (client.fetched, client.looked) == (4, 1)


def test_a_copy_asks_for_each_part_once(engine: Engine) -> None:
    repository, digest = pushed(engine, "bomb/two")
    client = Counting()
    plan = plan_copy(client, repository, digest, f"{engine.registry.address}/bomb/three")
    assert [one.digest for one in plan.manifests] == [digest_of(body) for body, _ in bomb()]
    assert client.fetched == 4


@pytest.mark.parametrize(("limit", "least"), [("MAX_MANIFESTS", 3), ("MAX_BYTES", 20_000)])
def test_an_image_without_end_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, limit: str, least: int
) -> None:
    repository, digest = pushed(engine, "bomb/four")
    monkeypatch.setattr(bounds, limit, least)
    with pytest.raises(RegistryError, match="more than"):
        manifests_of(HttpRegistry(), repository, digest)


class CountingLayout(Layout):
    """Counts the documents that are read, and ends a test that would not end."""

    read = 0

    def _document(self, digest: str) -> dict[str, object]:
        self.read += 1
        assert self.read < TIMES
        return super()._document(digest)


def test_a_layout_reads_each_part_once(tmp_path: Path) -> None:
    layout = CountingLayout(tmp_path)
    layout.prepare()
    for body in (EMPTY_BLOB, *(body for body, _ in bomb())):
        layout.blob(digest_of(body)).write_bytes(body)
    digest = digest_of(bomb()[-1][0])
    assert layout.holds(digest)
    assert layout.read == 4
    assert layout.layers(digest) == {digest_of(EMPTY_BLOB): len(EMPTY_BLOB)}
    assert layout.read == 8


def test_a_layout_has_no_index_without_end(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.prepare()
    levels = bomb()
    for _ in range(2):
        levels.append((document(INDEXES[0], manifests=[entry(*levels[-1])]), INDEXES[0]))
    for body in (EMPTY_BLOB, *(body for body, _ in levels)):
        layout.blob(digest_of(body)).write_bytes(body)
    with pytest.raises(Incomplete, match="nested too deep"):
        layout.check(digest_of(levels[-1][0]))
