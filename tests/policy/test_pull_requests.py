"""Pull requests as forges tell of them: each documented form is read, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.policy.identity import Identity, Ours
from planner.policy.pull_requests import PullRequest, Unknown, read

RECORDED = Path(__file__).with_name("recorded")
GITHUB = Identity(repositories=(Ours(provider="github", name="acme/images", repository_id="4711", owner_id="42"),))
GITLAB = Identity(repositories=(Ours(provider="gitlab", name="acme/images", repository_id="4711", owner_id="42"),))


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


@pytest.mark.parametrize(
    ("name", "identity", "expected"),
    [
        ("github-closed.json", GITHUB, [(17, "ec26c3", True)]),
        ("gitlab-merged.json", GITLAB, [(17, "da1560", True)]),
        ("github-pulls.json", GITHUB, [(21, "6dcb09", False), (19, "763841", False)]),
        ("gitlab-merge-requests.json", GITLAB, [(21, "888888", False)]),
        ("gh-pr-list.json", GITHUB, [(21, "6dcb09", False), (19, "763841", False)]),
    ],
)
def test_documented_forms(name: str, identity: Identity, expected: list[tuple[int, str, bool]]) -> None:
    assert [(one.number, one.commit[:6], one.ended) for one in read(recorded(name), identity)] == expected


def test_lines() -> None:
    commit = "a" * 40
    found = read(f"# ended this week\n17\n#18\n  !19\n\n20 {commit}\n")
    assert found == tuple(
        PullRequest(number=number, commit=commit if number == 20 else "") for number in (17, 18, 19, 20)
    )


def test_an_event_of_another_repository_is_refused() -> None:
    for name, identity in (("github-closed.json", GITHUB), ("gitlab-merged.json", GITLAB)):
        for other in ("4712", "471"):
            text = recorded(name).replace('"id": 4711', f'"id": {other}')
            with pytest.raises(Unknown, match="not the policy's repository"):
                read(text, identity)
        with pytest.raises(Unknown, match="not the policy's repository"):
            read(recorded(name).replace("acme/images", "acme/other"), identity)


def test_a_reopened_one_has_not_ended() -> None:
    reopened = recorded("github-closed.json").replace('"state": "closed"', '"state": "open"')
    assert not read(reopened, GITHUB)[0].ended


@pytest.mark.parametrize(
    "text",
    [
        "seventeen",
        "0",
        "-1",
        "017",
        "17 18",
        "１７",
        "99999999999",
        "{",
        "{}",
        '{"object_kind": "push"}',
        '{"pull_request": {"number": "17", "state": "closed"}}',
        '{"pull_request": {"number": true, "state": "closed"}}',
        '{"pull_request": {"number": 17, "state": "gone"}}',
        '[{"number": 17}, {"title": "no number"}]',
        '[{"number": 17, "head": {"sha": "--upload-pack=x"}}]',
        '[{"message": "API rate limit exceeded"}]',
        "[" * 100_000,
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unknown):
        read(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["number", "iid", "state", "head", "sha", "pull_request", "object_kind", "repository"]),
            inner,
            max_size=4,
        )
    ),
)


@given(JSON)
def test_any_document_is_read_or_refused(document: object) -> None:
    try:
        found = read(json.dumps(document), GITHUB)
    except Unknown:
        return
    assert all(one.number > 0 for one in found)
