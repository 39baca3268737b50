"""Which entry of an index a lock holds for a platform: the one that BuildKit takes, however many others there are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from planner.errors import RegistryError
from planner.model.lock import LockedImage
from planner.model.names import Reference
from planner.registry.artefact import MANIFEST
from planner.registry.client import INDEXES, HttpRegistry, digest_of
from planner.registry.inspect import MAX_PLATFORMS, inspect
from tests.engine.engine import Engine
from tests.registry.stocked import document, entry

CLIENT = HttpRegistry()
UNKNOWN = {"os": "unknown", "architecture": "unknown"}
"""What BuildKit writes for attestations."""


def pushed(repository: str, user: str) -> dict[str, object]:
    """The entry of an image whose user tells it from others."""
    text = json.dumps({"config": {"User": user}}).encode()
    config = {"mediaType": "application/x", "digest": CLIENT.put_blob(repository, text), "size": len(text)}
    body = document(MANIFEST, config=config, layers=[])
    CLIENT.put(repository, digest_of(body), body, MANIFEST)
    return entry(body, MANIFEST)


def inspected(engine: Engine, name: str, platforms: Sequence[Mapping[str, object]], wanted: str) -> LockedImage:
    repository = f"{engine.registry.address}/inspect/{name}"
    listed = [{**pushed(repository, f"u{number}"), "platform": one} for number, one in enumerate(platforms)]
    CLIENT.put(repository, "1", document(INDEXES[0], manifests=listed), INDEXES[0])
    return inspect(CLIENT, Reference.parse(f"{repository}:1"), [wanted])


def linux(number: int) -> dict[str, str]:
    return {"os": "linux", "architecture": f"arch{number}"}


def test_attestations_take_no_room(engine: Engine) -> None:
    both = [one for number in range(MAX_PLATFORMS) for one in (linux(number), UNKNOWN)]
    last = f"linux/arch{MAX_PLATFORMS - 1}"
    assert inspected(engine, "many", both, last).platforms[last].user == f"u{2 * MAX_PLATFORMS - 2}"


def test_an_index_of_more_platforms_than_there_are_is_an_error(engine: Engine) -> None:
    more = [linux(number) for number in range(MAX_PLATFORMS + 1)]
    with pytest.raises(RegistryError, match=f"more than {MAX_PLATFORMS} platforms"):
        inspected(engine, "more", more, "linux/arch0")


def test_of_two_entries_for_a_platform_the_first_counts(engine: Engine) -> None:
    """containerd sorts what matches by how well, and leaves equals in their order (`images.LimitManifests`)."""
    twice = [linux(0), {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "amd64"}]
    assert inspected(engine, "twice", twice, "linux/amd64").platforms["linux/amd64"].user == "u1"


def test_what_is_no_image_is_never_asked_for(engine: Engine) -> None:
    with pytest.raises(RegistryError, match=r"is not there for linux/amd64, only for linux/arch0$"):
        inspected(engine, "none", [UNKNOWN, linux(0)], "linux/amd64")


def test_an_entry_that_wants_features_is_not_taken(engine: Engine) -> None:
    """A build asks for none, so BuildKit passes it over."""
    plain = {"os": "linux", "architecture": "amd64"}
    both = [{**plain, "os.features": ["erofs"]}, plain]
    assert inspected(engine, "features", both, "linux/amd64").platforms["linux/amd64"].user == "u1"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ('{"config": {"OnBuild": ["RUN a"]}}', ("RUN a",)),
        ('{"config": {"Labels": {"onbuild": "1", "Onbuild": "2"}}}', ()),
        ('{"config": {"onbuild": ["RUN a"]}}', None),
        ('{"config": {"OnBuild": ["RUN a"]}, "config": {}}', None),
        ('{"config": {}, "Config": {"OnBuild": ["RUN a"]}}', None),
        ('{"config": {"OnBuild": [], "ONBUILD": ["RUN a"]}}', None),
        ('{"config": {"Wor\\u212aingDir": "/a"}}', None),
        ('{"config": ["RUN a"]}', None),
        ("[]", None),
    ],
)
def test_what_an_engine_reads_in_another_way_is_refused(
    engine: Engine, config: str, says: tuple[str, ...] | None
) -> None:
    """Go takes a field's name in any case, and of one that stands twice what both say."""
    repository = f"{engine.registry.address}/inspect/odd"
    named = {"mediaType": "application/x", "digest": CLIENT.put_blob(repository, config.encode()), "size": len(config)}
    CLIENT.put(repository, "1", document(MANIFEST, config=named, layers=[]), MANIFEST)
    reference = Reference.parse(f"{repository}:1")
    if says is None:
        with pytest.raises(RegistryError, match="its configuration cannot be read"):
            inspect(CLIENT, reference, ["linux/amd64"])
    else:
        assert inspect(CLIENT, reference, ["linux/amd64"]).platforms["linux/amd64"].onbuild == says


def test_a_manifest_with_two_configurations_is_refused(engine: Engine) -> None:
    repository = f"{engine.registry.address}/inspect/two"
    one, two = (
        {"mediaType": "application/x", "digest": CLIENT.put_blob(repository, text), "size": len(text)}
        for text in (b"{}", b'{"config": {"OnBuild": ["RUN a"]}}')
    )
    CLIENT.put(repository, "1", document(MANIFEST, config=one, layers=[], Config=two), MANIFEST)
    with pytest.raises(RegistryError, match="cannot be read"):
        inspect(CLIENT, Reference.parse(f"{repository}:1"), ["linux/amd64"])
