"""Claims of tokens in every combination, and expressions of CEL evaluated over them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import cache
from typing import Any

import celpy
from celpy import celtypes

from planner.policy import conditions
from planner.policy.policy import Policy

TOKENS: dict[str, dict[str, list[str]]] = {
    "github": {
        "event_name": [*conditions.GITHUB_EVENTS, "delete"],
        "ref": [
            "refs/heads/main",
            "refs/heads/main\n",
            "refs/heads/release/1",
            "refs/heads/other",
            "refs/tags/v1",
            "refs/tags/main",
            "refs/pull/1/merge",
            "refs/pull/17/merge",
            "refs/pull/01/merge",
            "refs/pull/1/merge/../../17/merge",
        ],
        "ref_protected": ["true", "false"],
        "repository": ["acme/images", "acme/images-tools"],
        "repository_id": ["4711", "47110"],
        "repository_owner_id": ["42", "43"],
        "actor": ["ann", "renovate[bot]"],
        "runner_environment": ["github-hosted", "self-hosted"],
    },
    "gitlab": {
        "pipeline_source": [*conditions.GITLAB_EVENTS, "api"],
        "ref_path": [
            "refs/heads/main",
            "refs/heads/x",
            "refs/tags/v1",
            "refs/merge-requests/1/head",
            "refs/merge-requests/17/train",
        ],
        "ref_protected": ["true", "false"],
        "project_path": ["acme/images", "acme/images2"],
        "project_id": ["17", "18"],
        "namespace_id": ["5", "6"],
        "user_login": ["ann", "dependabot[bot]"],
        "runner_environment": ["gitlab-hosted", "self-hosted"],
    },
}


def tokens(provider: str) -> Iterable[dict[str, str]]:
    """Every combination of what a claim can say."""
    words = TOKENS[provider]
    for values in itertools.product(*words.values()):
        yield dict(zip(words, values, strict=True))


def split(text: celtypes.StringType, by: celtypes.StringType) -> celtypes.ListType:
    """Of cel-go's `ext.Strings`, which zot has."""
    return celtypes.ListType([celtypes.StringType(part) for part in str(text).split(str(by))])


@cache
def program(expression: str) -> Any:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression), functions={"split": split})


def evaluated(expression: str, **values: Any) -> Any:
    """What an expression gives, None where it is an error."""
    try:
        return program(expression).evaluate({name: celpy.json_to_cel(value) for name, value in values.items()})
    except celpy.CELEvalError:
        return None


def holds(expression: str, **values: Any) -> bool:
    """Whether a condition admits; an error admits nobody."""
    found = evaluated(expression, **values)
    assert found is None or isinstance(found, celtypes.BoolType), expression
    return bool(found)


def ours(policy: Policy, provider: str) -> Any:
    return next(one for one in policy.identity.repositories if one.provider == provider)


def usual_tokens(provider: str) -> Iterable[dict[str, str]]:
    """Each event with each ref, and every other claim wrong once."""
    words = TOKENS[provider]
    right = {name: values[0] for name, values in words.items()}
    event, ref = list(words)[:2]
    for happened, at in itertools.product(words[event], words[ref]):
        yield {**right, event: happened, ref: at}
        for name in list(words)[2:]:
            for value in words[name][1:]:
                yield {**right, event: happened, ref: at, name: value}
