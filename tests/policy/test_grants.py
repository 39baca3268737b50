"""What a run may do at the registry: exactly its own scope, whatever it asks for and however it writes it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.policy.check import all_runs
from planner.policy.grants import asked, granted
from planner.policy.levels import Actor, Event, Level, Origin, RefKind, Run, Runner, level_of
from tests.policy.policies import sound

POLICY = sound()
OURS = {"origin": Origin.SAME, "actor": Actor.WRITER, "runner": Runner.TRUSTED}
PR17 = Run(event=Event.PULL_REQUEST, ref=RefKind.PULL, number=17, **OURS)
MAIN = Run(event=Event.PUSH, ref=RefKind.PROTECTED_BRANCH, **OURS)
RELEASE = Run(event=Event.PUSH, ref=RefKind.PROTECTED_TAG, **OURS)


def actions(run: Run, scope: str) -> str:
    one = asked(scope)
    return "" if one is None else ",".join(granted(POLICY, run, [one])[0].actions)


@pytest.mark.parametrize(
    ("name", "by_pr", "by_main", "by_release", "by_anyone"),
    [
        ("cache/pr/17/base", "delete,pull,push", "", "", ""),
        ("pr/17/base", "delete,pull,push", "", "", ""),
        ("cache/pr/18/base", "", "", "", ""),
        ("cache/pr/1/base", "", "", "", ""),
        ("cache/pr/170/base", "", "", "", ""),
        ("cache/pr/17", "", "", "", ""),
        ("cache/pr/17x/base", "", "", "", ""),
        ("cache/main/base", "pull", "delete,pull,push", "pull", "pull"),
        ("images/base", "pull", "delete,pull,push", "pull", "pull"),
        ("images", "", "", "", ""),
        ("release/base", "", "", "delete,pull,push", ""),
        ("cache/mainly/base", "", "", "", ""),
        ("other", "", "", "", ""),
    ],
)
def test_what_each_level_is_granted(name: str, by_pr: str, by_main: str, by_release: str, by_anyone: str) -> None:
    scope = f"repository:{name}:pull,push,delete,*"
    assert [actions(run, scope) for run in (PR17, MAIN, RELEASE, Run())] == [by_pr, by_main, by_release, by_anyone]


@pytest.mark.parametrize(
    "scope",
    [
        "repository:cache/pr/17/../../main/base:push",
        "repository:cache/pr/17/./base:push",
        "repository:cache/pr/17//base:push",
        "repository:cache/pr/17/%2e%2e/main:push",
        "repository:cache/pr/17%2fbase:push",
        "repository:cache/pr/17/Base:push",
        "repository:CACHE/PR/17/base:push",
        "repository:/cache/pr/17/base:push",
        "repository:cache/pr/17/base/:push",
        "repository:cache/pr/17/base\n:push",
        "repository:cache/pr/17/base:push\n",
        "repository:cache/pr/17/bаse:push",
        "repository:cache/pr/17/base:",
        "repository:cache/pr/１７/base:push",
        "repository(plugin):cache/pr/17/base:push",
        "registry:catalog:*",
        "repository:" + "a/" * 200 + "a:push",
        "",
        ":",
    ],
)
def test_a_name_that_is_not_in_its_normal_form_is_granted_nothing(scope: str) -> None:
    assert asked(scope) is None
    assert asked("repository:cache/pr/17/base:push") is not None


@given(st.sampled_from(list(all_runs())), st.text(st.sampled_from("cachepr/main17.:-_%"), max_size=30))
@settings(max_examples=400, deadline=None)
def test_no_text_makes_a_run_write_outside_its_scope(run: Run, name: str) -> None:
    one = asked(f"repository:{name}:push,pull")
    if one is None:
        return
    (grant,) = granted(POLICY, run, [one])
    if "push" in grant.actions:
        level = level_of(run)
        assert level is not Level.UNTRUSTED
        own = {
            Level.PR: (f"cache/pr/{run.number}/", f"pr/{run.number}/"),
            Level.TRUSTED: ("cache/main/", "images/"),
            Level.RELEASE: ("cache/release/", "release/"),
        }[level]
        assert name.startswith(own)


def test_a_policy_cannot_grant_more_than_the_table() -> None:
    """A file that lets pull requests write main is refused by `check`; the grant does not follow it either."""
    wide = sound(("write: [trusted], read", "write: [trusted, pr, untrusted], read"))
    one = asked("repository:cache/main/base:push")
    assert one is not None
    assert granted(wide, PR17, [one])[0].actions == ()


def test_a_policy_can_grant_less_than_the_table() -> None:
    one = asked("repository:cache/pr/17/base:pull,push")
    assert one is not None
    assert granted(sound(("write: [pr]", "write: []")), PR17, [one])[0].actions == ("pull",)
    assert granted(sound(("read: [pr]", "read: []")), PR17, [one])[0].actions == ("push",)


def test_scopes_of_one_repository_are_merged() -> None:
    wanted = [asked("repository:cache/pr/17/a:pull"), asked("repository:cache/pr/17/a:push")]
    (grant,) = granted(POLICY, PR17, [one for one in wanted if one is not None])
    assert grant.actions == ("pull", "push")
