"""A family written as images.yaml and as Compose has the same keys: a matrix written out, extends, anchors."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping

import pytest

from planner.digest.key import keys_of
from planner.model.image import Family
from planner.sources import yaml_file
from planner.sources.doors.compose import family as compose
from planner.sources.load import load
from tests.memory import MemoryTree

FILES = {
    "base/Dockerfile": "ARG V=0\nFROM ubuntu:22.04 AS slim\nARG V\nRUN echo $V\nFROM slim AS full\nCOPY tool.sh /\n",
    "base/tool.sh": "tool",
    "app/Dockerfile": "ARG BASE=r.example/base\nFROM $BASE\nCOPY --from=lib x.txt /\nCOPY src /src\n",
    "app/src/a.txt": "a",
    "lib/x.txt": "x",
}


def keys(family: Family) -> Mapping[str, str]:
    tree = MemoryTree(FILES)
    return dict(keys_of(load(family, tree, told=True), tree).keys)


def drawn(seed: int) -> tuple[str, str]:
    """One family in both languages."""
    draw = random.Random(seed)  # noqa: S311 -- drawn again by its seed
    versions = draw.sample(("1", "2", "3.10", "4"), draw.randint(1, 3))
    targets = draw.sample(("slim", "full"), draw.randint(1, 2))
    labels = {"team": draw.choice(("a", "b"))} if draw.random() < 0.5 else {}
    platforms = draw.choice((["linux/amd64"], ["linux/amd64", "linux/arm64"]))
    network = draw.choice(("default", "none"))
    ours = f"""\
version: 1
defaults: {{platforms: {platforms}, labels: {labels}}}
images:
  base:
    matrix: {{v: {versions}, t: {targets}}}
    name: base-${{v}}-${{t}}
    context: base
    target: ${{t}}
    args: {{V: "${{v}}"}}
    tags: ["r.example/base:${{v}}-${{t}}"]
  common:
    context: app
    contexts: {{lib: lib}}
    network: {network}
    args: {{BASE: "r.example/base:{versions[0]}-{targets[0]}"}}
  app: {{inherits: common, args: {{EXTRA: "1"}}}}
"""
    services = [
        f"""\
  base-{version}-{target}:
    image: r.example/base:{version}-{target}
    build:
      <<: *shared
      context: base
      target: {target}
      args: {{V: "{version}"}}
"""
        for version, target in itertools.product(versions, targets)
    ]
    theirs = f"""\
x-shared: &shared {{platforms: {platforms}, labels: {labels}}}
services:
{"".join(services)}\
  common:
    build:
      <<: *shared
      context: ./app
      additional_contexts: [lib=./lib]
      network: {network}
      args: ["BASE=${{BASE:-r.example/base:{versions[0]}-{targets[0]}}}"]
  app:
    extends: common
    build: {{args: {{EXTRA: 1}}}}
"""
    return ours, theirs


@pytest.mark.parametrize("seed", range(40))
def test_both_languages_give_equal_keys(seed: int) -> None:
    ours, theirs = drawn(seed)
    tree = MemoryTree({"compose.yaml": theirs})
    expected = keys(yaml_file.read(ours.encode(), "images.yaml", {}, {}))
    assert len(expected) >= 3
    assert keys(compose.read(["compose.yaml"], tree, {})) == expected
