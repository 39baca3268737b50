"""Places are read from the text that starlark-rust gives; another form of it would be seen here and in every stack."""

from __future__ import annotations

from planner.sources.doors.starlark.engine import Failure, Frame
from planner.sources.doors.starlark.traceback import failure_of, shown, stack_of

TEXT = """Traceback (most recent call last):
  * images.star:7, in <module>
      outer("a")
  File <builtin>, in map
  * tools/m.star:6, in outer
        * images.star:1, in the text of a line
  * <builtin>:2, in image
error: fail: no
 --> tools/m.star:6:3
  |
6 |   inner(x)
  |   ^^^^^^^^
  |
"""
STACK = (
    Frame(file="images.star", line=7, function="<module>"),
    Frame(file="tools/m.star", line=6, function="outer"),
)


def test_the_frames_of_a_stack() -> None:
    assert stack_of(TEXT) == STACK
    assert shown(STACK) == "at images.star:7, in <module>\n  at tools/m.star:6, in outer"


def test_a_line_of_a_file_is_no_frame() -> None:
    snippet = "  * images.star:7, in <module>\n      x\u2028  * images.star:1, in y\x0b  * images.star:2, in z\n"
    assert stack_of(snippet) == STACK[:1]


def test_an_error_with_its_place() -> None:
    assert failure_of(TEXT, "x") == Failure(what="fail: no", file="tools/m.star", line=6, column=3, stack=STACK)


def test_an_error_in_our_own_functions_is_at_their_call() -> None:
    found = failure_of(TEXT.replace("--> tools/m.star", "--> <builtin>"), "x")
    assert (found.file, found.line, found.column) == ("tools/m.star", 6, 0)


def test_a_text_of_another_form_keeps_its_words() -> None:
    assert failure_of("something\x1b[31m else", "images.star") == Failure(
        what="something\\x1b[31m else", file="images.star"
    )


def test_the_middle_of_a_long_stack_is_left_out() -> None:
    lines = shown(STACK * 50).splitlines()
    assert len(lines) == 11
    assert lines[8] == "  … 90 more"
