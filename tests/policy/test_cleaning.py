"""Which scopes may be cleaned by whom; nothing of main's or of a release's is ever among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.policy.cleaning import Refused, belonging, expect_own, named, refusal, rule_of
from planner.policy.levels import Actor, Event, Origin, RefKind, Run, Runner, judge
from planner.policy.policy import Policy
from planner.policy.policy_file import read
from planner.policy.scopes import Scope

TEXT = """\
version: 1
repositories: {github: {name: acme/images, id: 4711, owner: 42}}
registries: {cache: {address: registry.example, isolation: path}}
scopes:
  main: {registry: cache, cache: MAIN, images: images, write: [trusted], read: [trusted, pr]}
  release: {registry: cache, cache: cache/release, images: release, write: [release], read: [release]}
  pr: {registry: cache, cache: "PR", images: "pr/{number}", write: [pr], read: [pr]}
"""


def policy(main: str = "cache/main", pr: str = "cache/pr/{number}") -> Policy:
    return read(TEXT.replace("MAIN", main).replace("PR", pr).encode(), "policy.yaml")


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("pr/17/app", 17),
        ("pr/17/folder/app", 17),
        ("cache/pr/17/app", 17),
        ("pr/17", None),
        ("pr/017/app", None),
        ("pr/0/app", None),
        ("pr/17x/app", None),
        ("pr/17//app", None),
        ("xpr/17/app", None),
        ("x/pr/17/app", None),
        ("cache/main/app", None),
        ("images/app", None),
        ("release/app", None),
        ("cache/pr/../main/app", None),
        ("cache/pr/1/../../main/app", None),
        ("pr/17/App", None),
    ],
)
def test_whose_a_repository_is(path: str, number: int | None) -> None:
    found = belonging(policy(), path)
    assert (found.number if found else None) == number


def test_the_repositories_of_images_in_a_scope() -> None:
    assert named(policy(), 17, ["b", "a"]) == ("pr/17/a", "pr/17/b", "cache/pr/17/a", "cache/pr/17/b")


@given(st.text("cachepr/main0123456789.es{}", max_size=30), st.sets(st.integers(1, 20)))
def test_nothing_of_main_or_of_a_release_is_ever_ours(path: str, numbers: set[int]) -> None:
    for scope in ("cache/main", "images", "cache/release", "release"):
        with pytest.raises(Refused):
            expect_own(policy(), f"{scope}/{path}", numbers)


def test_another_pull_requests_scope_is_not_ours() -> None:
    expect_own(policy(), "pr/17/app", {17})
    with pytest.raises(Refused, match="not in the scope"):
        expect_own(policy(), "pr/1/app", {17})


@pytest.mark.parametrize(
    ("main", "pr"),
    [
        ("cache", "cache/pr/{number}"),
        ("cache/pr", "cache/pr/{number}"),
        ("cache/pr/5", "cache/pr/{number}"),
        ("cache/pr/5/main", "cache/pr/{number}"),
        ("pr/3", "cache/pr/{number}"),
    ],
)
def test_scopes_that_lie_within_one_another_are_not_cleaned(main: str, pr: str) -> None:
    with pytest.raises(Refused, match="not apart"):
        rule_of(policy(main, pr))
    assert rule_of(policy("cache/prx", pr))


def test_a_layer_cache_in_github_is_not_looked_for_in_the_registry() -> None:
    text = TEXT.replace("MAIN", "cache/main").replace("PR", "cache/pr/{number}")
    github = read(text.replace("write: [pr]", "backend: github, write: [pr]").encode(), "policy.yaml")
    assert named(github, 17, ["a"]) == ("pr/17/a",)
    assert belonging(github, "cache/pr/17/a") is None


OURS = {"origin": Origin.SAME, "actor": Actor.WRITER, "runner": Runner.TRUSTED}
RUNS = {
    "pr": Run(event=Event.PULL_REQUEST, ref=RefKind.PULL, number=17, **OURS),  # type: ignore[arg-type]
    "trusted": Run(event=Event.PUSH, ref=RefKind.PROTECTED_BRANCH, **OURS),  # type: ignore[arg-type]
    "release": Run(event=Event.PUSH, ref=RefKind.PROTECTED_TAG, **OURS),  # type: ignore[arg-type]
    "fork": Run(event=Event.PULL_REQUEST, ref=RefKind.PULL, number=17, origin=Origin.FORK),
}
SCOPES = {"pr/17": Scope(kind="pr", number=17), "pr/1": Scope(kind="pr", number=1), "main": Scope(kind="main")}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("scope", SCOPES)
def test_whoever_may_not_write_a_scope_may_not_delete_there(run: str, scope: str) -> None:
    allowed = {("pr", "pr/17"), ("trusted", "main")}
    assert (refusal(policy(), judge(RUNS[run]), SCOPES[scope]) == "") == ((run, scope) in allowed)


def test_a_policy_that_lets_nobody_write_lets_nobody_delete() -> None:
    narrow = read(
        TEXT.replace("MAIN", "cache/main").replace("PR", "cache/pr/{number}").replace("[pr]", "[]").encode(), "f"
    )
    assert "may remove nothing" in refusal(narrow, judge(RUNS["pr"]), SCOPES["pr/17"])
