"""The words for BuildKit: a place for each image, platform and scope, and no export that a level does not grant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.policy.cache_refs import ImageCache, cache_of, pushed_to, weak_keys
from planner.policy.check import all_runs
from planner.policy.levels import TRUSTING, Level, Run, judge
from planner.policy.policy import Policy
from tests.policy.policies import sound
from tests.policy.test_grants import MAIN, PR17, RELEASE

AMD = ("linux/amd64",)
REGISTRY = "type=registry,ref=registry.acme.example"
RULES = {"main": "images: images,", "pr": 'images: "pr/{number}",'}


def backend(scope: str, words: str) -> tuple[str, str]:
    return RULES[scope], f"{RULES[scope]} backend: {words},"


def words(policy: Policy, run: Run, platforms: tuple[str, ...] = AMD, asked: str = "") -> tuple[list[str], list[str]]:
    found = cache_of(policy, judge(run), "base", platforms, asked=asked)
    return [use.words for use in found.imports], [use.words for use in found.exports]


def test_the_words_of_each_level() -> None:
    main, own = f"{REGISTRY}/cache/main/base:linux-amd64", f"{REGISTRY}/cache/pr/17/base:linux-amd64"
    best = ",mode=max,ignore-error=true"
    assert words(sound(), PR17) == ([own, main], [own + best])
    assert words(sound(), MAIN) == ([main], [main + best])
    release = f"{REGISTRY}/cache/release/base:linux-amd64"
    assert words(sound(), RELEASE) == ([release, main], [release + best])
    assert words(sound(), Run()) == ([main], [])
    assert words(sound(), MAIN, ("linux/amd64", "linux/arm64/v8"))[0][0].endswith(":linux-amd64_linux-arm64-v8")


@pytest.mark.parametrize(
    ("words_of_backend", "imported", "exported"),
    [
        ("github", "type=gha,scope=base-linux-amd64", "type=gha,scope=base-linux-amd64"),
        (
            "local",
            "type=local,src=.planner/cache/cache/pr/17/base/linux-amd64",
            "type=local,dest=.planner/cache/cache/pr/17/base/linux-amd64",
        ),
        (
            "s3, attributes: {bucket: b, region: r}",
            "type=s3,name=cache/pr/17/base/linux-amd64,bucket=b,region=r",
            "type=s3,name=cache/pr/17/base/linux-amd64,bucket=b,region=r",
        ),
    ],
)
def test_the_words_of_each_backend(words_of_backend: str, imported: str, exported: str) -> None:
    imports, exports = words(sound(backend("pr", words_of_backend)), PR17)
    assert imports[0] == imported
    assert exports == [f"{exported},mode=max,ignore-error=true"]


def test_in_githubs_cache_one_import_reads_both_scopes() -> None:
    policy = sound(backend("pr", "github"), backend("main", "github"))
    assert words(policy, PR17)[0] == ["type=gha,scope=base-linux-amd64"]


POLICIES = (
    sound(),
    sound(backend("pr", "github")),
    sound(("write: [trusted]", "write: [trusted, pr, untrusted]")),
)


@given(st.sampled_from(list(all_runs())), st.sampled_from(["", "main", "release", "pr", "pr/1", "pr/2", "pr/17"]))
def test_no_run_is_given_a_write_that_its_level_does_not_grant(run: Run, asked: str) -> None:
    for policy in POLICIES:
        found = cache_of(policy, judge(run), "base", AMD, asked=asked)
        scopes = {use.scope for use in found.exports}
        level = judge(run).level
        own = {Level.TRUSTED: "main", Level.RELEASE: "release"}.get(level, f"pr/{run.number}")
        assert scopes <= {own}
        if level is Level.UNTRUSTED:
            assert all(use.words.startswith("type=gha") for use in found.exports)
        if level in TRUSTING:
            assert not any(use.scope.startswith("pr") for use in found.imports)
        assert all(not use.scope.startswith("pr") or use.scope == f"pr/{run.number}" for use in found.imports)
        assert bool(found.exports) or bool(found.refused), "what is not exported is told"


def test_what_is_pushed_where() -> None:
    assert [pushed_to(sound(), judge(run)) for run in (PR17, MAIN, Run())] == [
        "registry.acme.example/pr/17",
        "registry.acme.example/images",
        "",
    ]


def test_weak_keys() -> None:
    assert weak_keys(sound(), "sha256") == ""
    assert "write pr" in weak_keys(sound(), "xxh3_128")
    assert "write pr" in weak_keys(sound(("write: [pr]", "write: [], backend: github")), "xxh3_128")


def test_arguments_for_buildx() -> None:
    found: ImageCache = cache_of(sound(), judge(PR17), "base", AMD)
    assert [argument.partition("=")[0] for argument in found.arguments] == [
        "--cache-from",
        "--cache-from",
        "--cache-to",
    ]
