"""Frontends that are images of the graph: nothing in a key tells what is published of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.digest.key import keys_of
from planner.local.disk_tree import DiskTree
from planner.model.image import Family, Image, ImageName, Span
from planner.model.lock import Lock
from planner.schedule.requests import request_of
from planner.sources.load import load

APP = ImageName("app")
SPAN = Span(file="images.yaml", line=1)
PIN = f"sha256:{'1' * 64}"


def unsure(root: Path, syntax: str, lock: Lock | None = None, **args: str) -> dict[str, tuple[str, ...]]:
    """Why each of two images is always built, where the second one's Dockerfile is read by a frontend."""
    images = []
    for name, given in (("reader", ()), ("app", tuple(args.items()))):
        (root / name).mkdir(exist_ok=True)
        (root / name / "Dockerfile").write_text(f"{syntax}FROM scratch\nCOPY a /\n")
        (root / name / "a").touch()
        dockerfile = f"{name}/Dockerfile"
        images.append(Image(name=ImageName(name), span=SPAN, context=name, dockerfile=dockerfile, args=given))
    tree = DiskTree(root)
    family = Family(file="images.yaml", images=tuple(images), registry="ghcr.io/acme", lock=lock or Lock())
    keys = keys_of(load(family, tree, told=True), tree)
    return {name: tuple(item.name for one in made for item in one.unsure) for name, made in keys.manifests.items()}


@pytest.mark.parametrize("name", ["ghcr.io/acme/reader", "ghcr.io/acme/reader:latest --mode=x"])
def test_an_image_whose_frontend_is_built_here_is_always_built(tmp_path: Path, name: str) -> None:
    found = unsure(tmp_path, f"# syntax={name}\n")
    assert found["reader"] == ()  # An older release of itself is from outside.
    assert found["app"] == (f"the frontend {name} is an image of this graph: builds read what is published of it",)
    assert unsure(tmp_path, "", BUILDKIT_SYNTAX=name)["app"]


def test_not_where_it_is_held_to_a_digest_or_from_outside(tmp_path: Path) -> None:
    for name in (f"ghcr.io/acme/reader@{PIN}", "ghcr.io/acme/reader:1", "docker/dockerfile:1", "Not a reference"):
        assert unsure(tmp_path, f"# syntax={name}\n")["app"] == (), name
    lock = Lock(frontends={"ghcr.io/acme/reader:latest": PIN})
    assert unsure(tmp_path, "# syntax=ghcr.io/acme/reader\n", lock)["app"] == ()


def test_the_words_behind_a_frontend_count_and_reach_it(tmp_path: Path) -> None:
    keys = {}
    for words in ("", " --mode=x", " --mode=y"):
        (tmp_path / "Dockerfile").write_text(f"# syntax=acme/reader:1{words}\nFROM scratch\nCOPY a /\n")
        (tmp_path / "a").touch()
        image = Image(name=APP, span=SPAN, context=".", dockerfile="Dockerfile")
        lock = Lock(frontends={"docker.io/acme/reader:1": PIN})
        tree = DiskTree(tmp_path)
        found = keys_of(load(Family(file="images.yaml", images=(image,), lock=lock), tree, told=True), tree)
        keys[words] = found.keys[APP]
        given = dict(request_of(found, APP, {}, registry="").args)["BUILDKIT_SYNTAX"]
        assert given == f"docker.io/acme/reader:1@{PIN}{words}"
    assert len(set(keys.values())) == 3
