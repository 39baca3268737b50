"""A record is attached to its image: by the referrers API where the registry has it, else by the tag that OCI names."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from planner.registry.artefact import ARTEFACT, referrers_tag
from planner.registry.client import HttpRegistry
from planner.registry.listing import listing
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from tests.engine.engine import Engine
from tests.engine.gomodule import CHECKOUT, built
from tests.engine.registry import Registry
from tests.engine.server import Server
from tests.registry.test_faults import KEY, NAME, look, push, record_of

LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")


@contextmanager
def with_referrers(folder: Path, *options: str) -> Iterator[Registry]:
    """A registry that has the API."""
    program = built("referrers", CHECKOUT / ".ci" / "engine", CHECKOUT / ".ci" / "referrers")
    log = folder / "referrers.log"
    server = Server([os.fspath(program), *options], log=log, ready=lambda text: LISTENING.search(text) is not None)
    try:
        server.wait_until_ready()
        found = LISTENING.search(log.read_text())
        assert found is not None
        yield Registry(address=found[1], log=log)
    finally:
        server.stop()


def published(address: str, folder: Path) -> str:
    """An image with its record; gives the image's digest."""
    digest = push(address, f"fam/{NAME}")
    record = record_of(f"{address}/fam/{NAME}", digest)
    registry = HttpRegistry()
    registry.tag(record.stored.repository, digest, KEY)
    PublishedRecords(registry, f"{address}/fam", Snapshot(folder / "writer")).add(record)
    return digest


def attached(registry: Registry, digest: str) -> list[dict[str, Any]]:
    """What the API lists."""
    status, _, body = registry.request("GET", f"/v2/fam/{NAME}/referrers/{digest}")
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)["manifests"]
    return found


def expect_found(address: str, digest: str, folder: Path) -> None:
    found = look(f"{address}/fam", folder / "reader", HttpRegistry())
    assert found is not None
    assert found.stored.digest == digest


def test_by_the_api_alone_where_the_registry_says_so(tmp_path: Path) -> None:
    with with_referrers(tmp_path, "-subject") as registry:
        digest = published(registry.address, tmp_path)
        (entry,) = attached(registry, digest)
        repository = f"{registry.address}/fam/{NAME}"
        assert HttpRegistry().digest_of(repository, f"rec-{KEY}") == entry["digest"]
        assert HttpRegistry().digest_of(repository, referrers_tag(digest)) is None
        expect_found(registry.address, digest, tmp_path)
        subjects = {one.digest: one.subject for one in listing(HttpRegistry(), repository).manifests}
        assert subjects[entry["digest"]] == digest


def test_by_the_tag_too_where_the_registry_does_not_say_it_understood(tmp_path: Path) -> None:
    with with_referrers(tmp_path) as registry:
        digest = published(registry.address, tmp_path)
        (entry,) = attached(registry, digest)
        index = HttpRegistry().fetch(f"{registry.address}/fam/{NAME}", referrers_tag(digest))
        assert index is not None
        assert [one["digest"] for one in index.document["manifests"]] == [entry["digest"]]
        expect_found(registry.address, digest, tmp_path)


def test_by_the_tag_where_there_is_no_api(engine: Engine, tmp_path: Path) -> None:
    registry = engine.registry
    digest = published(registry.address, tmp_path)
    status, _, _ = registry.request("GET", f"/v2/fam/{NAME}/referrers/{digest}")
    assert status == 404, "this registry has the API by now: the test needs another one"
    index = HttpRegistry().fetch(f"{registry.address}/fam/{NAME}", referrers_tag(digest))
    assert index is not None
    (entry,) = index.document["manifests"]
    assert entry["artifactType"] == ARTEFACT
    assert HttpRegistry().digest_of(f"{registry.address}/fam/{NAME}", f"rec-{KEY}") == entry["digest"]
    expect_found(registry.address, digest, tmp_path)
