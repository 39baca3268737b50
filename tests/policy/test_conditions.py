"""The level as an expression is the table of levels, for every token that there can be."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest
import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.policy import conditions
from planner.policy.claims import run_of
from planner.policy.levels import Level, level_of
from tests.policy.policies import sound
from tests.policy.tokens import TOKENS, evaluated, ours, tokens, usual_tokens

TRICKY = ('branches: [main, "release/*"], tags: ["v*"]', 'branches: [main, "rel[!x]?/*"], tags: ["v[0-9]*"]')


@pytest.mark.parametrize("provider", ["github", "gitlab"])
@pytest.mark.parametrize("change", [None, TRICKY])
def test_the_expression_gives_the_level_of_the_table_for_every_token(provider: str, change: Any) -> None:
    policy = sound(*([change] if change else []))
    text = conditions.level_expression(policy.identity, ours(policy, provider), "claims")
    seen: dict[str, int] = {}
    for claims in usual_tokens(provider) if change else tokens(provider):
        level = level_of(run_of(provider, claims, policy.identity))
        assert evaluated(text, claims=claims) == level.value, claims
        seen[level] = seen.get(level, 0) + 1
    assert set(seen) == {level.value for level in Level}, "every level is among them"
    print(f"{provider}: {sum(seen.values())} tokens, {seen}")


def test_a_claim_that_is_missing_admits_nobody() -> None:
    policy = sound()
    text = conditions.level_expression(policy.identity, ours(policy, "github"), "claims")
    right = {name: values[0] for name, values in TOKENS["github"].items()}
    assert evaluated(text, claims=right) == "trusted", "control"
    for name in right:
        less = {other: value for other, value in right.items() if other != name}
        assert evaluated(text, claims=less) in (None, "untrusted"), name


@given(st.text("ab-*?[]!^\\.", max_size=7), st.text("ab-[]!^\\.\n", max_size=5))
@example("[!a]", "b")
@example("[]a]", "]")
@example("[^a]", "b")
@example("[!]", "[!]")
@example("[a\\]", "\\")
@settings(max_examples=1500, deadline=None)
def test_a_glob_means_there_what_it_means_here(glob: str, text: str) -> None:
    """Where the expression is an error nobody is admitted, so an error is allowed and a difference is not."""
    try:
        found = re2.search(conditions._regular("", glob), text) is not None
    except re2.error:
        return
    assert found == fnmatch.fnmatchcase(text, glob)
