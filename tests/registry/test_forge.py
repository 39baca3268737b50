"""Open pull requests as the APIs of forges give them: all pages, with the token, or an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.errors import PlannerError, RegistryError
from planner.policy.identity import Identity, Ours
from planner.registry.forge import Forge, forge_of, open_requests
from planner.registry.transport import Patience, Transport
from tests.registry.apis import running_api

RECORDED = Path(__file__).parents[1] / "policy" / "recorded"
OURS = Identity(repositories=(Ours(provider="github", name="acme/images", repository_id="4711", owner_id="42"),))
GITLAB = Identity(repositories=(Ours(provider="gitlab", name="acme/images", repository_id="4711", owner_id="42"),))


def impatient() -> Transport:
    return Transport(Patience(tries=2, first=0.001, longest=0.01))


def many(name: str, count: int) -> list[dict[str, Any]]:
    """The first entry of a recorded list, that often, each with a number of its own."""
    first = json.loads((RECORDED / name).read_text())[0]
    field = "iid" if "iid" in first else "number"
    return [{**first, field: number} for number in range(1, count + 1)]


def github(env: dict[str, str]) -> Forge:
    return forge_of(env, OURS)


def test_github_page_by_page_with_its_token() -> None:
    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        assert (method, path, query["state"]) == ("GET", "/repos/acme/images/pulls", ["open"])
        return 200, many("github-pulls.json", 230)

    with running_api(answers) as api:
        found = open_requests(github({"GITHUB_API_URL": api.url, "GITHUB_TOKEN": "hush"}), impatient())
    assert [one.number for one in found] == list(range(1, 231))
    assert {one.commit for one in found} == {"6dcb09b5b57875f334f61aebed695e2e4193db5e"}
    assert len(api.seen) == 2 * 3, "a list of several pages is read twice"
    for headers in api.headers:
        assert headers["authorization"] == "Bearer hush"
        assert headers["accept"] == "application/vnd.github+json"
        assert headers["x-github-api-version"] == "2022-11-28"


def test_gitlab_open_ones_and_those_that_are_being_merged() -> None:
    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        assert (method, path) == ("GET", "/projects/4711/merge_requests")
        listed = many("gitlab-merge-requests.json", 3)
        return 200, listed[:2] if query["state"] == ["opened"] else [{**listed[2], "state": "locked"}]

    with running_api(answers) as api:
        forge = forge_of({"GITLAB_CI": "true", "CI_API_V4_URL": api.url, "GITLAB_TOKEN": "hush"}, GITLAB)
        found = open_requests(forge, impatient())
    assert [(one.number, one.ended) for one in found] == [(1, False), (2, False), (3, False)]
    assert {headers["private-token"] for headers in api.headers} == {"hush"}


def test_one_page_is_true_for_one_moment_and_read_once() -> None:
    with running_api(lambda *_: (200, many("github-pulls.json", 100))) as api:
        assert len(open_requests(github({"GITHUB_API_URL": api.url}), impatient())) == 100
    assert len(api.seen) == 1


def test_none_is_lost_while_others_are_merged_between_two_pages() -> None:
    """The one that moves to an earlier page meanwhile is on none of those that are read."""
    listed = many("github-pulls.json", 250)

    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if query.get("page") == ["2"] and len(listed) > 248:
            del listed[50]
        return 200, listed

    with running_api(answers) as api:
        found = open_requests(github({"GITHUB_API_URL": api.url}), impatient())
    assert {one.number for one in found} == set(range(1, 251)) - {51, 52}


def test_a_list_that_never_stays_as_it_is_is_an_error() -> None:
    listed = many("github-pulls.json", 300)

    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        del listed[0]
        return 200, listed

    with running_api(answers) as api, pytest.raises(RegistryError, match="changes while it is read"):
        open_requests(github({"GITHUB_API_URL": api.url}), impatient())


def test_gitlab_one_whose_merge_fails_between_the_two_lists() -> None:
    listed = many("gitlab-merge-requests.json", 2)
    state = ["locked"]

    def answers(method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if query["state"] == ["locked"]:
            state[0] = "opened"
        moving = [{**listed[1], "state": state[0]}] if query["state"] == state else []
        return 200, [*(listed[:1] if query["state"] == ["opened"] else []), *moving]

    with running_api(answers) as api:
        found = open_requests(forge_of({"GITLAB_CI": "true", "CI_API_V4_URL": api.url}, GITLAB), impatient())
    assert [one.number for one in found] == [1, 2]


@pytest.mark.parametrize(("status", "document"), [(404, {"message": "Not Found"}), (200, {"a": 1}), (200, [{}])])
def test_a_part_or_nonsense_is_an_error(status: int, document: object) -> None:
    with running_api(lambda *_: (status, document)) as api, pytest.raises(RegistryError) as caught:
        open_requests(github({"GITHUB_API_URL": api.url, "GITHUB_TOKEN": "hush"}), impatient())
    assert "hush" not in str(caught.value)


def test_a_page_that_fails_is_an_error() -> None:
    with running_api(lambda *_: (200, many("github-pulls.json", 150))) as api:
        api.broken_page = 2
        with pytest.raises(RegistryError, match="status 502"):
            open_requests(github({"GITHUB_API_URL": api.url}), impatient())


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:1", "https://[bad"])
def test_a_list_does_not_go_on_at_another_host(elsewhere: str) -> None:
    with running_api(lambda *_: (200, many("github-pulls.json", 150))) as api:
        where, api.url = api.url, elsewhere
        with pytest.raises(RegistryError, match="goes on nowhere"):
            open_requests(github({"GITHUB_API_URL": where, "GITHUB_TOKEN": "hush"}), impatient())


def test_a_token_is_never_sent_in_the_open() -> None:
    with pytest.raises(PlannerError, match="https alone"):
        github({"GITHUB_API_URL": "http://api.github.example", "GITHUB_TOKEN": "hush"})
    with pytest.raises(PlannerError, match="https alone"):
        github({"GITHUB_API_URL": "http://127.0.0.1.example", "GITHUB_TOKEN": "hush"})
    assert "hush" not in repr(github({"GITHUB_TOKEN": "hush"}))
    with pytest.raises(PlannerError, match="no forge is known"):
        forge_of({}, Identity())
