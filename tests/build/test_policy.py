"""The names by which BuildKit knows what ADD fetches, and what a policy makes of them."""

import json

import pytest

from planner.build.policy import source_policy

COMMIT = "1" * 40


@pytest.mark.parametrize(
    ("source", "asked", "fetched"),
    [
        ("https://github.com/a/b.git", "git://github.com/a/b.git", f"git://github.com/a/b.git#{COMMIT}"),
        ("https://github.com/a/b.git#main", "git://github.com/a/b.git#main", f"git://github.com/a/b.git#{COMMIT}"),
        ("git://h:1/b.git#v1:sub/x", "git://h:1/b.git#v1:sub/x", f"git://h:1/b.git#{COMMIT}:sub/x"),
        ("git@github.com:a/b.git#:sub", "git://github.com/a/b.git#:sub", f"git://github.com/a/b.git#{COMMIT}:sub"),
        ("ssh://git@h/a/b#main", "git://h/a/b#main", f"git://h/a/b#{COMMIT}"),
        ("github.com/a/b#main", "git://github.com/a/b#main", f"git://github.com/a/b#{COMMIT}"),
    ],
)
def test_a_repository_is_held_at_its_commit(source: str, asked: str, fetched: str) -> None:
    (rule,) = json.loads(source_policy(((source, COMMIT),)))["rules"]
    assert rule["selector"] == {"identifier": asked, "match_type": "EXACT"}
    assert rule["updates"] == {"identifier": fetched}


def test_the_rules_of_the_user_come_first() -> None:
    own = {"version": 1, "rules": [{"action": "DENY", "selector": {"identifier": "https://h/*"}}]}
    rules = json.loads(source_policy((("https://h/x", "sha256:" + "2" * 64),), json.dumps(own).encode()))["rules"]
    assert [rule["action"] for rule in rules] == ["DENY", "CONVERT"]


@pytest.mark.parametrize("own", ["{", "[]", "{}", '{"rules": 1}', "[" * 100_000, "\xff", "null"])
def test_a_policy_of_the_user_that_is_none_is_an_error(own: str) -> None:
    with pytest.raises(ValueError):
        source_policy((("https://h/x", "sha256:" + "2" * 64),), own.encode("latin-1"))


def test_a_file_is_held_at_its_checksum() -> None:
    checksum = "sha256:" + "2" * 64
    (rule,) = json.loads(source_policy((("https://h/x?a=1", checksum),)))["rules"]
    assert rule["selector"]["identifier"] == "https://h/x?a=1"
    assert rule["updates"]["attrs"] == {"http.checksum": checksum}
