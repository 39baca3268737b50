"""One fault at every request of a push, of a copy, of a lookup and of a listing, against a real registry.

After each: no record of an image that cannot be pulled, no tag to a wrong digest, and the next run completes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from planner.build.buildx import BuildxBuilder, Folders
from planner.build.engine import Engine as BuildEngine
from planner.model.build import BuildRequest, FilesContext, Record, Store, Stored
from planner.model.image import ImageName
from planner.registry import artefact
from planner.registry import listing as listing_module
from planner.registry.artefact import MANIFEST
from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry, digest_of
from planner.registry.copying import copy, plan_copy
from planner.registry.listing import listing
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.registry.transport import Patience, Transport
from planner.registry.whole import whole
from tests.engine.engine import Engine, running_engine
from tests.memory import MemoryTree
from tests.registry.faults import Fault, Proxy, faulty
from tests.registry.sweep import Pick, Tally, every, gone, rotating, sweep

NAME = ImageName("app")
KEY = "x3-" + "1" * 32
RESOLVED = "x3-" + "2" * 32
DIRECT = HttpRegistry()


def impatient() -> HttpRegistry:
    return HttpRegistry(Transport(Patience(tries=3, first=0.001, longest=0.01)))


@pytest.fixture(scope="module")
def proxy(engine: Engine) -> Iterator[Proxy]:
    with faulty(engine.registry.address) as running:
        yield running


def push(address: str, path: str, word: str = "one") -> str:
    """An index of two manifests, each with a layer, as an engine that builds pushes it: by digest, without a tag."""
    registry, repository = DIRECT, f"{address}/{path}"
    entries = []
    for number in range(2):
        config = registry.put_blob(repository, json.dumps({"number": number, "word": word}).encode())
        layer = registry.put_blob(repository, f"layer {word}".encode())
        kind = "application/vnd.oci.image.config.v1+json"
        image = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": kind, "digest": config, "size": len(json.dumps({"number": 0, "word": word}))},
            "layers": [{"mediaType": "application/x", "digest": layer, "size": len(f"layer {word}")}],
        }
        body = json.dumps(image).encode()
        registry.put(repository, digest_of(body), body, MANIFEST)
        entries.append({"mediaType": MANIFEST, "digest": digest_of(body), "size": len(body)})
    kind = "application/vnd.oci.image.index.v1+json"
    body = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()
    registry.put(repository, digest_of(body), body, kind)
    return digest_of(body)


def record_of(repository: str, digest: str) -> Record:
    return Record(
        image=NAME,
        platforms=("linux/amd64", "linux/arm64"),
        key=KEY,
        resolved_key=RESOLVED,
        stored=Stored(store=Store.REGISTRY, digest=digest, repository=repository),
        built_at=1000.0,
        seconds=1.0,
        manifests="[]",
    )


def publish(prefix: str, digest: str, folder: Path) -> None:
    """Verify, tag and record as `build --push` does after the engine has pushed."""
    registry = impatient()
    nowhere = Folders(workspace=folder, run=folder, logs=folder, layout=folder / "store")
    engine = BuildEngine(spec="none", argv=(), environment={}, store=Store.LAYOUT)
    builder = BuildxBuilder(engine, nowhere, MemoryTree({}), registry)
    repository = f"{prefix}/{NAME}"
    request = BuildRequest(
        image=NAME,
        platforms=("linux/amd64", "linux/arm64"),
        key=KEY,
        dockerfile=b"",
        dockerfile_path="",
        context=FilesContext(),
        repository=repository,
        tags=(f"{repository}:{KEY}", f"{repository}:latest"),
    )
    builder._results._published(request, digest)
    PublishedRecords(registry, prefix, Snapshot(folder / "own")).add(record_of(repository, digest))


def look(prefix: str, folder: Path, registry: HttpRegistry) -> Record | None:
    published = PublishedRecords(registry, prefix, Snapshot(folder))
    published.look({NAME: KEY})
    found = published.find(NAME, ("linux/amd64", "linux/arm64"), KEY)
    return found[0] if found else None


def expect_sound(address: str, path: str, digest: str, *, listed_only: bool = False) -> None:
    """Every tag names what it should, and every record an image that can be pulled.

    With `listed_only` a registry may list a tag that it does not have: distribution's half of a write that failed.
    """
    registry, repository = DIRECT, f"{address}/{path}/{NAME}"
    for tag in tags_of(registry, repository):
        found = registry.fetch(repository, tag)
        if found is None and listed_only:
            continue
        assert found is not None
        whole(registry, repository, found.digest)
        if tag in (KEY, "latest"):
            assert found.digest == digest
        elif artefact.is_record(found.document):
            told = artefact.summary(found.document)
            assert (told.digest, told.key, told.image) == (digest, KEY, NAME)
            whole(registry, repository, told.digest)
        else:
            assert tag == artefact.referrers_tag(digest)


def pushes(engine: Engine, proxy: Proxy, folder: Path, pick: Pick) -> Tally:
    direct, base = engine.registry.address, f"push-{pick.__name__}"
    digest = push(direct, f"{base}/n/{NAME}")
    tally = Tally()
    for case in sweep(proxy, folder, pick, lambda: publish(f"{proxy.address}/{base}/n", digest, folder)):
        path = f"{base}/{case.path}"
        assert push(direct, f"{path}/{NAME}") == digest
        with tally.trying(case):
            publish(f"{proxy.address}/{path}", digest, case.folder)
        proxy.arm(None)
        expect_sound(direct, path, digest)
        publish(f"{proxy.address}/{path}", digest, case.folder)
        found = look(f"{direct}/{path}", case.folder / "look", DIRECT)
        assert found is not None
        assert found.stored.digest == digest
    return tally


def copies(engine: Engine, proxy: Proxy, folder: Path, pick: Pick) -> Tally:
    """Source and target are two registries by name, so that blobs are streamed."""
    direct, base = engine.registry.address, f"copy-{pick.__name__}"
    digest = push(direct, f"{base}/{NAME}")
    source = f"{direct}/{base}/{NAME}"

    def go(path: str) -> None:
        registry = impatient()
        target = f"{proxy.address}/{path}/{NAME}"
        copy(registry, plan_copy(registry, source, digest, target))
        registry.tag(target, digest, KEY)

    tally = Tally()
    for case in sweep(proxy, folder, pick, lambda: go(f"{base}/n")):
        path = f"{base}/{case.path}"
        with tally.trying(case):
            go(path)
        proxy.arm(None)
        expect_sound(direct, path, digest)
        go(path)
        whole(DIRECT, f"{direct}/{path}/{NAME}", digest)
    return tally


def looks(engine: Engine, proxy: Proxy, folder: Path, pick: Pick) -> Tally:
    """What is found is true or an error or nothing, and never something else; a snapshot is as good after it."""
    direct, base = engine.registry.address, f"look-{pick.__name__}"
    digest = push(direct, f"{base}/{NAME}")
    publish(f"{direct}/{base}", digest, folder)
    truth = replace(record_of(f"{proxy.address}/{base}/{NAME}", digest), seconds=0.0, manifests="")
    tally = Tally()
    for case in sweep(proxy, folder, pick, lambda: look(f"{proxy.address}/{base}", folder / "n", impatient())):
        with tally.trying(case):
            assert look(f"{proxy.address}/{base}", case.folder, impatient()) in (truth, None)
        proxy.arm(None)
        assert look(f"{proxy.address}/{base}", case.folder, impatient()) == truth
    return tally


def listings(engine: Engine, proxy: Proxy, folder: Path, pick: Pick) -> Tally:
    """A listing is whole, or empty, or there is none."""
    direct, base = engine.registry.address, f"list-{pick.__name__}"
    digest = push(direct, f"{base}/{NAME}")
    publish(f"{direct}/{base}", digest, folder)
    repository = f"{proxy.address}/{base}/{NAME}"
    registry = impatient()
    tally = Tally()
    with mock.patch.object(listing_module, "tags_of", partial(tags_of, page=2)):  # so that there are several pages
        truth = {one.digest: one for one in listing(registry, repository).manifests}
        assert len(truth) == 5
        for case in sweep(proxy, folder, pick, lambda: listing(registry, repository)):
            with tally.trying(case):
                found = {one.digest: one for one in listing(registry, repository).manifests}
                assert found in (truth, {}), "a repository may seem not to be there: nothing of it is removed either"
    return tally


SORTS = (pushes, copies, looks, listings)


@pytest.mark.parametrize(("sort", "pick"), [(pushes, rotating), (copies, rotating), (looks, every), (listings, gone)])
def test_a_fault_at_any_request(
    engine: Engine,
    proxy: Proxy,
    tmp_path: Path,
    sort: Callable[[Engine, Proxy, Path, Pick], Tally],
    pick: Pick,
) -> None:
    tally = sort(engine, proxy, tmp_path, pick)
    assert 0 < tally.told.total() < tally.made.total(), "some faults last, and some pass"


def test_a_registry_that_wants_patience_gets_it(engine: Engine, proxy: Proxy) -> None:
    direct = engine.registry.address
    push(direct, "patience/app")
    waits: list[float] = []
    registry = HttpRegistry(Transport(Patience(tries=4, first=0.5, longest=5.0), waits.append))
    proxy.arm(Fault.UNAVAILABLE, 0, 3)
    assert registry.digest_of(f"{proxy.address}/patience/app", "none") is None
    assert waits == [0.5, 1.0, 2.0]
    assert Patience(longest=5.0).pause(0, "3") == 3.0
    assert Patience(longest=5.0).pause(0, "99999999999") == 5.0
    assert Patience(longest=5.0).pause(3, "Wed, 21 Oct 2026 07:28:00 GMT") == 1.6


def main() -> None:
    """Every fault at every request; prints how many there were, and of each how many were told as an error."""
    tallies = []
    with running_engine() as engine, faulty(engine.registry.address) as proxy, tempfile.TemporaryDirectory() as folder:
        for sort in SORTS:
            tally = sort(engine, proxy, Path(folder) / sort.__name__, every)
            print(f"{sort.__name__}: {tally.made.total()} faults, {tally.told.total()} told, 0 violations", flush=True)
            tallies.append(tally)
    for fault in Fault:
        cells = " | ".join(f"{tally.made[fault]}, {tally.told[fault]}" for tally in tallies)
        print(f"| {fault.name.lower().replace('_', ' ')} | {cells} |")


if __name__ == "__main__":
    main()
