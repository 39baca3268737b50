"""Tags that folders spell: edges where they do, nothing for official images of others."""

from __future__ import annotations

import time

import pytest

from planner.model.names import Reference
from planner.sources.discovery.tags import SpelledTags
from tests.sources.discovery.test_family import doubts, edges

SCRATCH = "FROM scratch\n"


@pytest.mark.parametrize(
    ("parent", "reference"),
    [
        ("src/web/1.2/alpine3.20/amd64/Dockerfile", "acme/web:1.2-alpine3.20-amd64"),
        ("src/web/1.2/alpine3.20/amd64/Dockerfile", "acme/web:1.2.7-alpine3.20-amd64"),
        ("src/web/1.2/alpine3.20/amd64/Dockerfile", "acme/web:1.2-alpine3.20"),
        ("web/1.2/debian/slim/Dockerfile", "acme/web:slim-1.2"),
        ("web/1.2/Dockerfile.slim", "acme/web:1.2-slim"),
        ("web/1.2/full_slim/Dockerfile", "acme/web:1.2-full-slim"),
    ],
)
def test_folders_below_the_name_spell_a_tag(parent: str, reference: str) -> None:
    files = {parent: SCRATCH, "app/Dockerfile": f"FROM {reference}\n"}
    assert edges(files) == {("app/Dockerfile", parent)}
    assert not doubts(files)


@pytest.mark.parametrize(
    "reference",
    ["acme/web:1.3-alpine", "acme/web:1.2", "acme/web:1.2-alpine-debug", "acme/web:1.20-alpine", "acme/web"],
)
def test_a_tag_that_says_more_or_less_is_not_spelled(reference: str) -> None:
    files = {"web/1.2/alpine/Dockerfile": SCRATCH, "app/Dockerfile": f"FROM {reference}\n"}
    assert not edges(files)


def test_the_tag_that_says_most_is_meant() -> None:
    files = {
        "web/1/slim/Dockerfile": SCRATCH,
        "web/1.2/slim/Dockerfile": SCRATCH,
        "web/1.2/debian/slim/Dockerfile": SCRATCH,
        "app/Dockerfile": "FROM acme/web:1.2-slim\n",
    }
    assert edges(files) == {("app/Dockerfile", "web/1.2/slim/Dockerfile")}
    files["web/1.2/arm64/Dockerfile"] = files["web/1.2/amd64/Dockerfile"] = SCRATCH
    files["app/Dockerfile"] = "FROM acme/web:1.2-arm64\n"
    assert edges(files) == {("app/Dockerfile", "web/1.2/arm64/Dockerfile")}
    for cpu in ("amd64", "arm64"):
        files[f"web/2/slim/{cpu}/Dockerfile"] = SCRATCH
    files["app/Dockerfile"] = "FROM acme/web:2-slim\n"
    assert doubts(files) == {("app/Dockerfile", "acme/web:2-slim")}


def test_folders_alone_spell_several_tags_of_one_repository() -> None:
    files = {
        "azure/3.0/base/amd64/Dockerfile": SCRATCH,
        "azure/3.0/cross/Dockerfile": "FROM acme/tools:azure-3.0-base\n",
        "azure/3.0/test/Dockerfile": "FROM acme/tools:azure-3.0-cross\n",
    }
    assert edges(files) == {
        ("azure/3.0/cross/Dockerfile", "azure/3.0/base/amd64/Dockerfile"),
        ("azure/3.0/test/Dockerfile", "azure/3.0/cross/Dockerfile"),
    }
    files["other/Dockerfile"] = "FROM acme/tools:latest\n"
    assert doubts(files) == {("other/Dockerfile", "acme/tools:latest")}
    one = {"azure/3.0/Dockerfile": SCRATCH, "app/Dockerfile": "FROM acme/tools:azure-3.0\n"}
    assert not edges(one)


def test_an_official_image_is_made_where_its_tags_stand_side_by_side() -> None:
    files = {
        "3.5.0/java17/Dockerfile": "FROM eclipse-temurin:17\n",
        "3.5.0/java17-python/Dockerfile": "FROM spark:3.5.0-java17\n",
        "3.5.0/java17-r/Dockerfile": "FROM spark:3.5.0-java17-python\n",
    }
    assert edges(files) == {
        ("3.5.0/java17-python/Dockerfile", "3.5.0/java17/Dockerfile"),
        ("3.5.0/java17-r/Dockerfile", "3.5.0/java17-python/Dockerfile"),
    }


def test_a_folder_is_the_tag_that_stands_above_its_reader() -> None:
    files = {
        "1.2/Dockerfile": SCRATCH,
        "1.2/full/Dockerfile": "FROM acme/tool:1.2.7\n",
        "1.3/Dockerfile": SCRATCH,
        "1.3/full/Dockerfile": "FROM acme/tool:1.3.0\n",
        "other/Dockerfile": "FROM other/tool:1.3\n",
    }
    assert edges(files) == {("1.2/full/Dockerfile", "1.2/Dockerfile"), ("1.3/full/Dockerfile", "1.3/Dockerfile")}
    assert not doubts(files)
    files["1.3/full/Dockerfile"] = "FROM acme/tool:2.3\n"
    assert not edges(files), "one folder alone is no convention"


def test_folders_beside_the_reader_end_a_tag() -> None:
    files = {
        "1.26/windows/core-2022/Dockerfile": SCRATCH,
        "1.26/windows/nano-2022/Dockerfile": "FROM scratch\nCOPY --from=golang:1.26.7-core-2022 /a /a\n",
        "1.27/windows/core-2022/Dockerfile": SCRATCH,
        "1.27/windows/nano-2022/Dockerfile": "FROM scratch\nCOPY --from=golang:1.27.0-core-2022 /a /a\n",
        "tip/core-2022/Dockerfile": "FROM golang:1.27.1-core-2025\n",
    }
    assert edges(files) == {
        ("1.26/windows/nano-2022/Dockerfile", "1.26/windows/core-2022/Dockerfile"),
        ("1.27/windows/nano-2022/Dockerfile", "1.27/windows/core-2022/Dockerfile"),
    }
    assert not doubts(files)


def test_official_images_of_others_stay_so() -> None:
    files = {
        "php/8.2/fpm/Dockerfile": "FROM php:8.2-fpm\n",
        "php/8.3/fpm/Dockerfile": SCRATCH,
        "old/Dockerfile": "FROM php:8.2-fpm\n",
        "new/Dockerfile": "FROM php:8.3-fpm\n",
        "8.4/cli/Dockerfile": "FROM php:8.4-cli\n",
        "8.5/cli/Dockerfile": "FROM php:8.5-cli\n",
        "other/Dockerfile": "FROM php:8.4-cli\nCOPY --from=php:8.5-cli /a /a\n",
    }
    assert not edges(files)
    assert not doubts(files)


def test_a_longer_name_of_our_own_may_make_a_shorter_one() -> None:
    files = {
        **{f"{name}/Dockerfile": SCRATCH for name in ("base-alpine", "base-debian", "node", "ruby")},
        "a/Dockerfile": "FROM acme/node:1\n",
        "b/Dockerfile": "FROM acme/ruby:1\n",
        "c/Dockerfile": "FROM acme/base:debian\n",
    }
    assert doubts(files) == {("c/Dockerfile", "acme/base:debian")}


def test_thousands_of_folders_cost_little() -> None:
    paths = [f"{'a/' * 500}web/{at % 70}/{at}/slim/Dockerfile" for at in range(3000)]
    reads = [(f"app{at}/Dockerfile", Reference.parse(f"acme/web:slim-{at}-{at % 70}")) for at in range(3000)]
    reads += [(f"app{at}/Dockerfile", Reference.parse(f"acme/web:{'slim-' * 20}{at}")) for at in range(3000)]
    before = time.process_time()
    found = SpelledTags(paths, reads)
    assert time.process_time() - before < 5
    assert found.makers(reads[7][1]) == (paths[7],)
