"""What is wrong with a query is told with its column, what was expected, and what was meant; nothing explodes."""

from __future__ import annotations

import signal

import pytest

from planner.errors import QueryError
from planner.query.evaluate import answer
from planner.query.parse import MAX_DEPTH, MAX_LENGTH
from planner.query.patterns import MAX_PATTERN
from tests.query.test_table import FAMILY

ERRORS: list[tuple[str, int, str, str]] = [
    ("", 1, "the query is empty", "expected"),
    ("   ", 1, "the query is empty", "expected"),
    ("deps(", 6, "ends too early", 'expected "(", ")"'),
    ("deps(base", 10, "ends too early", 'expected ")", "," or an operator'),
    ("deps(base))", 11, '")" is not expected here', "an operator or the end"),
    ("base tool", 6, '"tool" is not expected here', "an operator"),
    ("base +", 7, "ends too early", "a word"),
    ("base + + tool", 8, '"+" is not expected here', "a word"),
    ("in", 1, '"in" is not expected here', 'put in quotes: "in"'),
    ("deps(in)", 6, '"in" is not expected here', 'put in quotes: "in"'),
    ("attr(args, A=0, base)", 13, '"=" is not expected here', "holds = is put in quotes"),
    ("*", 1, '"*" cannot begin a word', "quotes"),
    ("base & tool", 6, '"&" cannot begin a word', "quotes"),
    ("'base", 1, "this quote is never closed", "end the word with '"),
    ('base + "tool', 8, "this quote is never closed", 'end the word with "'),
    ("let v base in $v", 7, '"base" is not expected here', 'expected "="'),
    ("let v = base", 13, "ends too early", '"in"'),
    ("let $v = base in $v", 5, '"$v" is no name for a variable', "without a $"),
    ("$v", 1, "the variable $v has no value", "let v = "),
    ("let name = base in $nam", 20, "the variable $nam has no value", 'did you mean "name"?'),
    ("(let v = base in $v) + $v", 24, "the variable $v has no value", "bind it"),
    ("dpes(base)", 1, 'there is no function "dpes"', 'did you mean "deps"?'),
    ("base + zzz(base)", 8, 'there is no function "zzz"', "there are affected, allpaths"),
    ("deps()", 1, "deps takes 1 or 2 arguments, not 0", "write deps(x[, depth])"),
    ("somepath(base)", 1, "somepath takes 2 arguments, not 1", "write somepath(a, b)"),
    ("inputs(base, tool)", 1, "inputs takes 1 argument, not 2", "write inputs(x)"),
    ("deps(base, x)", 12, '"x" is no number', "digits"),
    ("deps(base, 1.5)", 12, '"1.5" is no number', "digits"),
    ("deps(base, 9999999999)", 12, '"9999999999" is no number', "digits"),
    ("deps(base, deps(tool))", 12, "deps takes a number here", "write deps"),
    ("kind(deps(base), base)", 6, "kind takes a pattern here", "write kind"),
    ("kind('(', base)", 6, "the pattern cannot be used", "RE2"),
    (r"filter('(a)\1', base)", 8, "the pattern cannot be used", "RE2"),
    ("filter('a(?=b)', base)", 8, "the pattern cannot be used", "RE2"),
    (f"filter('{'a' * (MAX_PATTERN + 1)}', base)", 8, "is longer than", "RE2"),
    ("attr(argz, x, base)", 6, 'no image has an attribute "argz"', 'did you mean "args"?'),
    ("labels(args, base)", 8, 'no image has an attribute "args"', "there are"),
    ("deps(bsae)", 6, 'nothing is named "bsae"', 'did you mean "base"?'),
    ("deps(//:bsae)", 6, 'nothing is named "//:bsae"', 'did you mean "//:base"?'),
    ("//foo:base", 1, 'there is no package "//foo"', "write //:base"),
    ("//base", 1, 'there is no package "//base"', "write //:base"),
    ("//zzz/...", 1, "nothing is named", "there are base"),
    ("set(base zzzz)", 10, 'nothing is named "zzzz"', "there are base"),
    ("base +\n  bsae", 3, 'nothing is named "bsae"', 'did you mean "base"?'),
    ("some(base ^ tool)", 1, "its set is empty", ""),
]


@pytest.mark.parametrize(("expression", "column", "message", "hint"), ERRORS, ids=[row[0][:40] for row in ERRORS])
def test_errors_point_at_their_column(expression: str, column: int, message: str, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        answer(expression, FAMILY)
    told = str(caught.value)
    place, _, rest = told.partition(": ")
    assert place == f"query:{expression.count(chr(10)) + 1}:{column}"
    assert message in rest.splitlines()[0]
    assert hint in told
    shown = told.splitlines()
    if expression.strip():
        caret = shown[2].index("^")
        assert shown[1][4:][: caret - 4] == expression.splitlines()[-1][: column - 1]


def test_a_long_line_is_shown_around_the_caret() -> None:
    with pytest.raises(QueryError) as caught:
        answer("base + " * 500 + "bsae" + " + base" * 500, FAMILY)
    _, shown, caret, *_ = str(caught.value).splitlines()
    assert len(shown) < 220
    assert shown[caret.index("^") :].startswith("bsae")


def test_control_characters_do_not_reach_the_terminal() -> None:
    with pytest.raises(QueryError) as caught:
        answer("'\x1b[31m\u202e' + base", FAMILY)
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


EXPLODING: list[tuple[str, str]] = [
    ("base + " * MAX_LENGTH + "base", "longer than"),
    ("(" * (MAX_DEPTH + 1) + "base" + ")" * (MAX_DEPTH + 1), "nested more than"),
    ("deps(" * (MAX_DEPTH + 1) + "base" + ")" * (MAX_DEPTH + 1), "nested more than"),
    ("let v = base in " * (MAX_DEPTH + 1) + "$v", "nested more than"),
    ("(" * MAX_LENGTH, "nested more than"),
    ("deps(//...) + " * 1000 + "base", "more than 1000 steps"),
    ("attr(args, x, //...) + " * 500 + "base", "more than 1000 steps"),
]


@pytest.mark.parametrize(("expression", "message"), EXPLODING, ids=[row[1] + row[0][:9] for row in EXPLODING])
def test_what_explodes_is_one_error(expression: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        answer(expression, FAMILY, limit=1000)


def test_what_is_just_inside_the_bounds_is_answered() -> None:
    assert answer("(" * MAX_DEPTH + "base" + ")" * MAX_DEPTH, FAMILY)
    long = "+".join(["base"] * 3000)
    assert len(answer(long, FAMILY)) == 1
    nested = "let a = base in " * (MAX_DEPTH - 1) + "deps($a)"
    assert answer(nested, FAMILY)


def test_patterns_take_linear_time() -> None:
    """These take Python's `re` longer than the universe lasts."""
    alarm = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    try:
        assert answer(f"filter('(a+)+b{'|a+' * 100}$', filter('(x*)*y', //...))", FAMILY) == frozenset()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, alarm)
