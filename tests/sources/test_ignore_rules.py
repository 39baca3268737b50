"""Cases follow the reference of `.dockerignore` and moby/patternmatcher's documented behaviour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import DefinitionError
from planner.sources.ignore_rules import IgnoreRules


def rules(text: str) -> IgnoreRules:
    return IgnoreRules.parse(text.encode(), ".dockerignore")


@pytest.mark.parametrize(
    ("text", "path", "ignored"),
    [
        ("docs", "docs/a.md", True),
        ("docs/", "docs/a.md", True),
        ("/docs", "docs", True),
        ("docs", "src/docs", False),
        ("*.md", "a.md", True),
        ("*.md", "src/a.md", False),
        ("**/*.md", "src/deep/a.md", True),
        ("**/*.md", "a.md", True),
        ("**/docs", "src/docs/a", True),
        ("a/**", "a/b", True),
        ("a/**", "b/a", False),
        ("**", "any/thing", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/b/c/zz", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("*\n!keep", "keep", False),
        ("*\n!keep", "lose", True),
        ("docs\n!docs/keep.md", "docs/keep.md", False),
        ("docs\n!docs/keep.md", "docs/lose.md", True),
        ("!keep\n*", "keep", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-a.md", False),
        ("# docs", "docs", False),
        (" # docs", "# docs", True),
        ("  docs  ", "docs", True),
        ("! docs", "docs", False),
        ("a.b", "axb", False),
        ("a[0-9]", "a1", True),
        ("\\!important", "!important", True),
        ("\ufeffdocs", "docs", True),
        ("docs\r\n", "docs", True),
        ("./docs", "docs", True),
        ("x/../docs", "docs", True),
    ],
)
def test_reads_rules_as_moby(text: str, path: str, ignored: bool) -> None:
    assert rules(text).ignores(path) is ignored


def test_names_every_bad_line() -> None:
    with pytest.raises(DefinitionError) as error:
        rules("ok\n[\n!\nb[")
    assert [mistake.line for mistake in error.value.mistakes] == [2, 3, 4]


PATTERNS = st.lists(st.text(alphabet="ab/*?!.", max_size=6), max_size=4)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "."[:0] + "a.b"]), min_size=1, max_size=4).map("/".join)


@given(PATTERNS, PATHS)
def test_what_cannot_match_below_never_ignores(patterns: list[str], path: str) -> None:
    try:
        found = rules("\n".join(patterns))
    except DefinitionError:
        return
    folder = path.split("/")[0]
    if not found.could_match_below(folder):
        assert not found.ignores(path)


@given(PATTERNS, PATHS)
def test_without_exceptions_a_folder_takes_all_below_it(patterns: list[str], path: str) -> None:
    try:
        found = rules("\n".join(pattern for pattern in patterns if "!" not in pattern))
    except DefinitionError:
        return
    if found.ignores(path):
        assert found.ignores(f"{path}/below")


def test_many_stars_stay_cheap() -> None:
    assert not rules("**/" + "*a" * 60 + "b").ignores("a" * 3000)
