"""Dockerfiles as text beside what is read from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import DefinitionError
from planner.sources.dockerfile.instructions import parse
from planner.sources.dockerfile.syntax import Arg, Copy, Env, From, Instruction, Run, Setting


def one(text: str) -> Instruction:
    """The one instruction behind a FROM."""
    return parse(b"FROM scratch\n" + text.encode(), "Dockerfile").instructions[1]


def test_a_stage_with_platform_and_name() -> None:
    found = parse(b"FROM --platform=$BUILDPLATFORM golang:1 AS Build\n", "Dockerfile").instructions[0]
    assert isinstance(found, From)
    assert (found.platform, found.image, found.stage) == ("$BUILDPLATFORM", "golang:1", "build")


def test_continued_lines_lose_their_comments_and_blanks() -> None:
    found = one("run a \\\n  # a comment\n\n  && b \\  \n  && c\n")
    assert isinstance(found, Run)
    assert found.command == ("a   && b   && c",)
    assert (found.span.line, found.span.end_line) == (2, 6)


def test_the_escape_directive_and_windows_lines() -> None:
    found = parse(b"\xef\xbb\xbf# escape=`\r\nFROM a\r\nRUN a `\r\n  b\r\n", "Dockerfile")
    assert found.directives.escape == "`"
    assert isinstance(run := found.instructions[1], Run)
    assert run.command == ("a   b",)


def test_a_directive_behind_a_comment_is_none() -> None:
    found = parse(b"# words\n# syntax=docker/dockerfile:1\nFROM a\n", "Dockerfile")
    assert found.directives.syntax == ""


def test_copy_with_flags_and_a_here_document() -> None:
    found = one("COPY --from=build --chown=1:2 --link <<one <<'two' /to/\na $b\none\nc\ntwo\n")
    assert isinstance(found, Copy)
    assert (found.from_, found.chown, found.link, found.sources, found.destination) == (
        "build",
        "1:2",
        True,
        (),
        "/to/",
    )
    assert [(doc.name, doc.content, doc.expand) for doc in found.heredocs] == [
        ("one", "a $b\n", True),
        ("two", "c\n", False),
    ]


def test_tabs_of_a_here_document() -> None:
    found = one("RUN <<-END\n\t\techo a\n\tEND\n")
    assert isinstance(found, Run)
    assert found.heredocs[0].content == "echo a\n"


def test_copy_splits_at_white_space_only() -> None:
    found = one('COPY a"b c /to\n')
    assert isinstance(found, Copy)
    assert found.sources == ('a"b', "c")


def test_json_forms() -> None:
    assert isinstance(found := one('RUN ["a", "b c"]\n'), Run)
    assert (found.command, found.shell_form) == (("a", "b c"), False)
    assert isinstance(setting := one("CMD [not json]\n"), Setting)
    assert not setting.json_form


def test_mounts() -> None:
    found = one("RUN --mount=type=cache,target=/c,from=x --mount=target=/m,source=src true\n")
    assert isinstance(found, Run)
    assert [(m.type, m.from_, m.source, m.target) for m in found.mounts] == [
        ("cache", "x", "", "/c"),
        ("bind", "", "src", "/m"),
    ]


def test_pairs_in_both_forms() -> None:
    assert isinstance(new := one('ENV A=1 B="x y"\n'), Env)
    assert new.pairs == (("A", "1"), ("B", '"x y"'))
    assert isinstance(old := one("ENV A x y\n"), Env)
    assert old.pairs == (("A", "x y"),)
    assert isinstance(arg := one("ARG A B=2\n"), Arg)
    assert arg.pairs == (("A", None), ("B", "2"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM a b\n", "FROM is written"),
        ("FROM a\nCOPY x\n", "at least one source"),
        ("FROM a\nSHELL sh\n", "JSON form"),
        ("FROM a\nONBUILD FROM b\n", "ONBUILD may not hold FROM"),
        ("FROM a\nRUN --mount=type=bnd,target=/x true\n", 'did you mean "bind"?'),
        ("FROM a\nCOPY --from=a --from=b x y\n", "given twice"),
        ("RUN x\nFROM a\n", "only ARG may stand before"),
        ("# escape=x\nFROM a\n", "escape must be"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(DefinitionError) as error:
        parse(text.encode(), "Dockerfile")
    assert message in str(error.value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse(b"FROM a\n" + data, "Dockerfile")
    except DefinitionError as error:
        assert str(error)


@given(st.lists(st.sampled_from(["RUN a", "COPY a b", "ENV A=1", "LABEL x=y"]), max_size=4), st.data())
def test_comments_and_blanks_change_no_text(lines: list[str], data: st.DataObject) -> None:
    plain = "\n".join(["FROM a", *lines])
    noisy = "\n".join(
        data.draw(st.sampled_from(["", "# note\n", "\n"])) + line + data.draw(st.sampled_from(["", "  ", "\t"]))
        for line in ["FROM a", *lines]
    )
    texts = [item.text for item in parse(plain.encode(), "f").instructions]
    assert [item.text for item in parse(noisy.encode(), "f").instructions] == texts
