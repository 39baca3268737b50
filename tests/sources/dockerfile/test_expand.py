"""Variables in words, by the rules of the Dockerfile reference and BuildKit's shell lexer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.sources.dockerfile.expand import ExpansionError, expand, expand_heredoc

VALUES = {"A": "one", "EMPTY": "", "PATHS": "/a/b/c.tar.gz", "B": "a.b.a"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$A", "one"),
        ("${A}", "one"),
        ("x${A}y", "xoney"),
        ("$NONE", ""),
        ("${NONE:-two}", "two"),
        ("${EMPTY:-two}", "two"),
        ("${EMPTY-two}", ""),
        ("${A:-two}", "one"),
        ("${A:+two}", "two"),
        ("${EMPTY:+two}", ""),
        ("${EMPTY+two}", "two"),
        ("${NONE:-${A}}", "one"),
        ("${A:?must be set}", "one"),
        ("${PATHS#*/}", "a/b/c.tar.gz"),
        ("${PATHS##*/}", "c.tar.gz"),
        ("${PATHS%.*}", "/a/b/c.tar"),
        ("${PATHS%%.*}", "/a/b/c"),
        ("${B/a/x}", "x.b.a"),
        ("${B//a/x}", "x.b.x"),
        ("'$A'", "$A"),
        ('"$A b"', "one b"),
        (r"\$A", "$A"),
        (r"\${A}", "${A}"),
    ],
)
def test_expands_as_buildkit(text: str, value: str) -> None:
    assert expand(text, VALUES).value == value


def test_tells_which_names_had_no_value() -> None:
    assert expand("$NONE ${ALSO:-x} $A", VALUES).unknown == {"NONE"}
    assert expand("$NONE ${ALSO:-x} $A", VALUES).used == {"NONE", "ALSO", "A"}


@pytest.mark.parametrize("text", ["${", "${A", "${NONE:?no}", "'open", '"open', "${A!}"])
def test_refuses_what_buildkit_refuses(text: str) -> None:
    with pytest.raises(ExpansionError):
        expand(text, VALUES)


def test_a_backtick_escapes_where_the_directive_says_so() -> None:
    assert expand("`$A", VALUES, "`").value == "$A"


def test_here_documents_keep_their_quotes() -> None:
    assert expand_heredoc("'$A' \"$A\"\n", VALUES).value == "'one' \"one\"\n"


def test_deep_nesting_ends_in_an_error_or_a_value() -> None:
    text = "${X:-" * 5000 + "}" * 5000
    with pytest.raises(ExpansionError):
        expand(text, VALUES)


@given(st.text(alphabet="ab/.- ", max_size=20))
def test_text_without_marks_is_itself(text: str) -> None:
    assert expand(text, VALUES).value == text


@given(st.text(alphabet="$A{}:-#%/'\"\\ab", max_size=12))
def test_any_text_expands_or_is_refused(text: str) -> None:
    try:
        expand(text, VALUES)
    except ExpansionError as error:
        assert str(error)
