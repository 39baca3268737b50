"""Cases follow the rules in the documentation of Go's path/filepath.Match."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.sources.go_match import BadPattern, matches


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("a.sh", "a.sh", True),
        ("*.sh", "a.sh", True),
        ("*.sh", ".sh", True),
        ("*.sh", "a.sh.bak", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"[\]a]", "]", True),
        ("[!a]", "!", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXbY", False),
        ("*", "", True),
    ],
)
def test_reads_patterns_as_go(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@pytest.mark.parametrize("pattern", ["[", "[a", "[]a]", "[-]", "[a-]", "a\\"])
def test_refuses_what_go_refuses(pattern: str) -> None:
    with pytest.raises(BadPattern):
        matches(pattern, "a")


@given(st.text(alphabet="ab*?[]\\^-"), st.text(alphabet="ab"))
def test_any_text_matches_or_is_refused(pattern: str, name: str) -> None:
    with contextlib.suppress(BadPattern):
        matches(pattern, name)


@given(st.text(alphabet="abc", max_size=8))
def test_a_name_matches_itself_and_the_star(name: str) -> None:
    assert matches(name, name)
    assert matches("*", name)


def test_many_stars_stay_cheap() -> None:
    began = time.process_time()
    assert not matches("*a" * 200 + "b", "a" * 2000)
    assert time.process_time() - began < 20
