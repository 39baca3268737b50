"""Whatever a Starlark file does, its evaluation ends soon, with one error that names a place."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import DefinitionError
from tests.sources.doors.starlark.reading import mistakes, read

HOSTILE = {
    "an endless loop": ("def f():\n for i in range(1 << 30):\n  for j in range(1 << 30):\n   pass\nf()\n", 3, "steps"),
    "endless recursion": ("def f(n):\n  return f(n + 1)\n\nf(1)\n", 2, "call stack overflow"),
    "a growing list": ("def f(x):\n  for i in range(1 << 30):\n    x.append(str(i))\nf([])\n", 3, "memory"),
    "a growing text": ('x = 1\ndef f(x):\n  for i in range(99):\n    x = x + x\nf("a")\ny = 2\n', 5, "memory"),
    "billion laughs": ('def f(x):\n  for i in range(60):\n    x = [x, x]\n  image(str(x))\nf("a")\n', 5, ""),
    "laughs in an argument": (
        'def f(x):\n  for i in range(60):\n    x = [x, x]\n  image("a", args = x)\nf(1)\n',
        5,
        "",
    ),
    "a huge number": ("def f(x):\n  for i in range(99):\n    x = x * x\nf(3)\n", 4, "too long"),
    "a huge list": ("x = 1\nx2 = list(range(1 << 30))\n", 2, "memory"),
    "a huge replacement": ('\n\nx = ("a" * 100000).replace("a", "b" * 100000)\n', 3, "memory"),
    "a deep argument": ('def f(x):\n  for i in range(99):\n    x = [x]\n  image("a", args = x)\nf(1)\n', 4, "nested"),
    "a round argument": ('x = {}\nx["x"] = x\nimage("a", args = x)\n', 3, "Cycle"),
    "deep brackets": ("\nx = " + "[" * 50_000 + "]" * 50_000 + "\n", 2, "nested"),
    "a deep expression": ("y = 1\nx = " + "+".join(["1"] * 100_000) + "\nz = 1\n", 2, "nested too deep"),
    "a deep negation": ("y = 1\nx = " + "not " * 100_000 + "1\n", 2, "nested too deep"),
    "many images": ('[image("i%d" % i) for i in range(30000)]\n', 1, "more than 20000 images"),
    "a huge matrix": (
        'image_family(name = "a", matrix = {a: [str(i) for i in range(99)] for a in ["a", "b", "c"]})\n',
        1,
        "more than 10000 images",
    ),
    "long arguments": ('[image("i%d" % i, target = "x" * 9999) for i in range(9999)]\n', 1, "characters"),
    "long prints": ('[print("x" * 999999) for i in range(999)]\n', 1, "print: more than"),
}


LATE = ("evaluation takes too long", "evaluation takes more than")


@pytest.mark.parametrize("name", HOSTILE)
def test_evaluation_is_bounded(name: str) -> None:
    text, line, said = HOSTILE[name]
    with pytest.raises(DefinitionError) as raised:
        read(text)
    # Where the machine is busy, the bound of time may be met before the one that is meant.
    one = next(one for one in raised.value.mistakes if said in one.what or one.what.startswith(LATE))
    assert (one.file, one.line) == ("images.star", line)
    assert len(raised.value.mistakes) <= 2
    assert len(str(raised.value)) < 3000


def test_a_file_that_ends_its_process_does_not_take_the_next_with_it() -> None:
    files = {"a/images.star": "x = list(range(1 << 30))\n", "b/images.star": 'image("b", tgas = 1)\n'}
    said = mistakes('packages("a", "b")\n', files)
    assert "a/images.star:1: evaluation takes too much memory" in said
    assert "b/images.star:1: //b:b: unknown argument" in said


def test_not_every_package_is_given_its_time() -> None:
    names = [f"p{number}" for number in range(5)]
    files = {f"{name}/images.star": "x = list(range(1 << 30))\n" for name in names}
    said = mistakes(f"packages({names})\n", files)
    assert (said.count("takes too much memory"), said.count("is not evaluated")) == (2, 3)


def test_a_failure_that_kills_in_a_loaded_file_is_told_at_the_load() -> None:
    said = mistakes('x = 1\nload(":l.star", "y")\n', {"l.star": "y = list(range(1 << 30))\n"})
    assert said.startswith("images.star:2: evaluation takes too much memory")


@pytest.mark.parametrize(
    "text",
    ['open("/etc/passwd")', "import os", '__import__("os")', "call_stack()", "_call(1)", "_defines", "().__class__"],
)
def test_the_world_is_out_of_reach(text: str) -> None:
    assert mistakes(f"{text}\n").startswith("images.star:1")


WORDS = """
image( image_family( name= "a" ) ( [ ] { } , : def load( ":l.star" "x" select( glob( ["**"] define( matrix= family(
packages( = + ** * % lambda if else for in not 1 x f() args= contexts= print( "${ \\ ' é external( kind(
visibility= exclude= None True . - <<
"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "  ", " ", "\x00", "\ufeff"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        read(text, {"l.star": "x = 1\n", "d/f": ""})
    except DefinitionError as error:
        assert all(one.file in ("images.star", "l.star") for one in error.mistakes)
        assert "Traceback" not in str(error)
