"""What is cached: a step that reads another image than before runs again."""

from __future__ import annotations

import pytest

from planner.digest.key import Keys, keys_of
from planner.model.frozen import replace
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.plan.cached import first_uncached
from planner.sources import yaml_file
from planner.sources.load import load
from tests.memory import MemoryTree

ALPINE = "docker.io/library/alpine:3"


def keys(dockerfile: str, digest: str, copied: str) -> Keys:
    facts = LockedPlatform(digest=f"sha256:{digest * 64}")
    lock = Lock(images={ALPINE: LockedImage(digest=facts.digest, platforms={"linux/amd64": facts})})
    tree = MemoryTree({"Dockerfile": dockerfile, "f": copied})
    family = replace(yaml_file.read(b"version: 1\nimages: {i: {}}\n", "images.yaml", {}, {}), lock=lock)
    return keys_of(load(family, tree, told=True), tree)


@pytest.mark.parametrize(
    ("dockerfile", "first"),
    [
        ("FROM alpine:3\nRUN a\nCOPY f /\n", "FROM alpine:3"),
        ("FROM scratch\nCOPY --from=alpine:3 a /\nCOPY f /\n", "COPY --from=alpine:3 a /"),
        (
            "FROM scratch\nRUN --mount=from=alpine:3,target=/m a\nCOPY f /\n",
            "RUN --mount=from=alpine:3,target=/m a",
        ),
    ],
)
def test_a_step_that_reads_an_external_image_of_another_digest(dockerfile: str, first: str) -> None:
    before, after = keys(dockerfile, "a", "1"), keys(dockerfile, "b", "2")
    (one,), (other,) = before.manifests["i"], after.manifests["i"]
    assert [step.name for step in first_uncached(one, other)] == [first]
