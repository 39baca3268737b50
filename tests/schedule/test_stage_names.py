"""A stage that has the name of an image which a lock or a parent answers for keeps its own instructions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planner.digest.key import Keys, Known, keys_of
from planner.errors import DefinitionError
from planner.local.disk_tree import DiskTree
from planner.model.build import BuildRequest, Store, Stored
from planner.model.image import Family, Image, ImageName, Span
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.schedule.requests import request_of
from planner.sources.load import load

BASE, APP = ImageName("base"), ImageName("app")
OTHER = re.compile(r"planner\.invalid/\w+")
DIGEST = "sha256:" + "1" * 64
LOCK = Lock(
    images={
        "docker.io/library/ubuntu:latest": LockedImage(
            digest=DIGEST, platforms={"linux/amd64": LockedPlatform(digest=DIGEST)}
        )
    }
)


def keys(root: Path, dockerfile: str, lock: Lock = LOCK) -> Keys:
    (root / "Dockerfile").write_bytes(dockerfile.encode())
    (root / "base.Dockerfile").write_text("FROM scratch\n")
    span = Span(file="images.yaml", line=1)
    base = Image(name=BASE, span=span, dockerfile="base.Dockerfile", tags=("base",))
    family = Family(file="images.yaml", images=(base, Image(name=APP, span=span)), lock=lock)
    tree = DiskTree(root)
    return keys_of(load(family, tree, told=True), tree)


def request(root: Path, dockerfile: str) -> BuildRequest:
    parents = {BASE: Stored(store=Store.LAYOUT, digest=DIGEST)}
    return request_of(keys(root, dockerfile), APP, parents, registry="")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("FROM ubuntu AS ubuntu\nRUN x\n", "FROM planner.invalid/ubuntu AS ubuntu\nRUN x\n"),
        (
            "\ufeffFROM --platform=$TARGETPLATFORM \\\r\n  ubuntu:latest as Ubuntu\r\n",
            "\ufeffFROM --platform=$TARGETPLATFORM \\\r\n  planner.invalid/ubuntu as Ubuntu\r\n",
        ),
        ("ARG B=base\nFROM ${B} AS base\nRUN x", "ARG B=base\nFROM planner.invalid/base AS base\nRUN x"),
        (
            "FROM ubuntu:22.04 AS base\nRUN base\nFROM ubuntu\nCOPY --chown=1 --from=base:latest /base /base:latest\n",
            "FROM ubuntu:22.04 AS base\nRUN base\nFROM ubuntu\n"
            "COPY --chown=1 --from=planner.invalid/base /base /base:latest\n",
        ),
        (
            "FROM scratch AS base\nFROM ubuntu\nRUN --mount=from=base:latest,target=/m \\\n cat base:latest\n",
            "FROM scratch AS base\nFROM ubuntu\nRUN --mount=from=planner.invalid/base,target=/m \\\n cat base:latest\n",
        ),
        ("FROM ubuntu AS other\nFROM base\n", "FROM ubuntu AS other\nFROM base\n"),
        ("FROM ubuntu:22.04 AS ubuntu\n", "FROM ubuntu:22.04 AS ubuntu\n"),
    ],
)
def test_an_image_with_the_name_of_a_stage_is_sent_under_another_name(tmp_path: Path, written: str, sent: str) -> None:
    made = request(tmp_path, written)
    assert made.dockerfile.decode() == sent
    assert all(name.removeprefix("planner.invalid/") in ("base", "ubuntu") for name, _ in made.contexts)
    assert {name for name, _ in made.contexts if name.startswith("planner.invalid")} == set(OTHER.findall(sent))


def test_what_cannot_be_sent_under_another_name_is_refused(tmp_path: Path) -> None:
    for text in ("FROM ubu\\\nntu AS ubuntu\n", 'FROM scratch AS base\nFROM ubuntu\nCOPY --from="base:latest" /a /\n'):
        with pytest.raises(DefinitionError, match=r"Dockerfile:\d:\d+: .*is the name of a stage too\n  call the stage"):
            request(tmp_path, text)


def test_the_key_of_an_image_that_was_built_without_its_stage_is_another_one(tmp_path: Path) -> None:
    """Older planners recorded an image without the stage's instructions under the key of today's inputs."""
    alone = keys(tmp_path, "FROM ubuntu AS other\nRUN x\n").keys[APP]
    assert keys(tmp_path, "FROM ubuntu AS ubuntu\nRUN x\n").keys[APP] != alone
    free = keys(tmp_path, "FROM ubuntu AS other\nRUN x\n", Lock()).keys[APP]
    assert keys(tmp_path, "FROM ubuntu AS ubuntu\nRUN x\n", Lock()).keys[APP] == free, "nothing takes its place"


def test_the_key_is_the_same_where_only_files_are_looked_at(tmp_path: Path) -> None:
    """An input of its own must stand where it stands when the manifest is made from what was known."""
    (tmp_path / "Dockerfile.rego").write_text("package x\n")
    made = keys(tmp_path, "FROM ubuntu AS ubuntu\nRUN x\n")
    tree = DiskTree(tmp_path)
    again = keys_of(made.facts.loaded, tree, Known(facts=made.facts, agrees=lambda _: False))
    assert again.keys == made.keys
    assert again.manifests[APP][0].inputs == made.manifests[APP][0].inputs
