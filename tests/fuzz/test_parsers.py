"""Any bytes give a value or the parser's own error: hostile ones written down, those once found, and changed seeds."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.forms import variants
from tests.fuzz.targets import TARGETS, Target

CASES = Path(__file__).parent / "cases"
HOSTILE = {
    "nothing": b"",
    "no text": b"\xff\xfe\x00\x80",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep brackets": b"(" * 100_000,
    "deep yaml": b"".join(b" " * n + b"a:\n" for n in range(1500)),
    "deep flow": b"a: " + b"{a: " * 5000,
    "bombs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n, n, *[n - 1] * 8) for n in range(98, 110)),
    "a long number": b'{"version": ' + b"9" * 10_000 + b"}",
    "no number": b'{"version": NaN, "x": Infinity}',
    "a large exponent": b'{"version": 1e999999999}',
    "a wide line": b"x" * 1_000_000,
    "many lines": b"\n" * 1_000_000,
    "zeros": b"\x00" * 10_000,
    "surrogates": b'{"version": "\\ud800"}',
}


def reads(target: Target, data: bytes) -> None:
    """It gives a value or its own error."""
    try:
        target.read(data)
    except target.errors as error:
        assert str(error)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(name: str, data: bytes) -> None:
    reads(TARGETS[name], data)


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "token"])  # nobody can sign a token here
def test_the_first_seed_is_read(name: str) -> None:
    TARGETS[name].read(TARGETS[name].seeds[0])


@pytest.mark.parametrize("case", sorted(CASES.glob("*/*")), ids=lambda case: f"{case.parent.name}/{case.name}")
def test_what_was_found_once(case: Path) -> None:
    reads(TARGETS[case.parent.name], case.read_bytes())


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "starlark"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.data())
def test_changed_seeds(name: str, drawn: st.DataObject) -> None:
    data = bytearray(drawn.draw(st.sampled_from(TARGETS[name].seeds)))
    for _ in range(drawn.draw(st.integers(1, 4))):
        at, length = drawn.draw(st.integers(0, len(data))), drawn.draw(st.integers(0, 8))
        data[at : at + length] = drawn.draw(st.one_of(st.binary(max_size=6), st.sampled_from(TOKENS)))
    reads(TARGETS[name], bytes(data))


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "starlark"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(number=st.integers(0, 2**32))
def test_changes_that_keep_the_form(name: str, number: int) -> None:
    for data in variants(TARGETS[name].change, TARGETS[name].seeds, Random(number)):  # noqa: S311
        reads(TARGETS[name], data)


TOKENS = (
    b"${",
    b"}",
    b"[]",
    b"{}",
    b"<<E\n",
    b"&a ",
    b"*a",
    b"!!python/object ",
    b"null",
    b"-1",
    b"\\",
    b"%{",
    b'"',
    b"\t",
    b"\r\n",
)
