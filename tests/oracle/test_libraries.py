"""Ignore files, globs and references beside BuildKit's own libraries, which `.ci/judge/libraries.go` holds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.errors import DefinitionError
from planner.model.names import Reference
from planner.sources.dockerfile.expand import ExpansionError, expand, expand_heredoc, expand_words
from planner.sources.go_match import BadPattern, matches
from planner.sources.ignore_rules import IgnoreRules
from tests.oracle.judge import program

NAMES = (
    *("a", "b", "ab", "-", "^", "!", ".a", "a.b", "a]", "aa]", "a[", "a*", "]", "[", "#a", "é", "éa", "a b", "a\\"),
    *("1", "b-", "abab", "a-b"),
)
PATHS = (
    *NAMES,
    *("a/a", "a/b", "a/ab", "ab/a", "b/a.b", "a/b/ab", "a/b/a.b", "ab/b/a", "a]/b", "é/a", "a/é"),
    *("a/b/a/b", "b/ab/a/ab"),
)
EXAMPLES = int(os.environ.get("LIBRARY_EXAMPLES", "500"))
UNCERTAIN = "has no certain meaning"
PIECE = st.sampled_from(
    [*("a", "b", "ab", "*", "**", "?", "/", ".", "!", "[ab]", "[^a]", "[a-b]"), *"[]^-\\ #é$"],
)
LINE = st.lists(PIECE, max_size=6).map("".join)

Moby = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def moby() -> Iterator[Moby]:
    """What BuildKit's libraries say of a text."""
    argv = [os.fspath(program()), "-libraries"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        source, sink = process.stdout, process.stdin

        def ask(text: str, **more: Any) -> dict[str, Any]:
            sink.write(json.dumps({"text": text, **more}) + "\n")
            sink.flush()
            answer: dict[str, Any] = json.loads(source.readline())
            return answer

        yield ask
        sink.close()


def ours(text: str) -> tuple[str, list[bool]]:
    try:
        rules = IgnoreRules.parse(text.encode(), ".dockerignore")
    except DefinitionError as error:
        return str(error), []
    return "", [rules.ignores(path) for path in PATHS]


def odd(line: str) -> bool:
    """Whether a line may be refused although BuildKit, which does not check all of a pattern, makes something of it."""
    return "[" in line or line.rstrip(" /").endswith("\\")


def agree(text: str, moby: Moby) -> None:
    said = moby(text, paths=PATHS)
    refused, ignored = "error" in said, said.get("hits", [])
    ours_refused, ours_ignored = ours(text)
    if ours_refused:
        assert refused or UNCERTAIN in ours_refused or any(map(odd, text.split("\n"))), text
    elif not refused:  # What BuildKit refuses has no image: it is told when the image is built.
        assert dict(zip(PATHS, ours_ignored, strict=True)) == dict(zip(PATHS, ignored, strict=True)), text


@pytest.mark.parametrize("text", ["[ab/]*", "a[/b]b", "[a*]", "[a?]", "[[a]", "[[:alpha:]]", "[\\d]", "[b-a]", "[]a]"])
def test_classes_mean_what_they_mean_to_moby(text: str, moby: Moby) -> None:
    agree(text, moby)


def test_a_class_may_hold_a_slash(moby: Moby) -> None:
    assert not ours("[ab/]*")[0]


@given(st.lists(LINE, max_size=4).map("\n".join))
@settings(max_examples=EXAMPLES)
@example("*\n!a/b\n*")
def test_ignore_files_leave_out_what_moby_leaves_out(moby: Moby, text: str) -> None:
    agree(text, moby)


@given(LINE.filter(lambda text: "/" not in text))
@settings(max_examples=EXAMPLES)
@example("*a*[^b]")
def test_globs_match_what_go_matches(moby: Moby, text: str) -> None:
    said = moby(text, glob=True, paths=NAMES)
    refused, hits = "error" in said, said.get("hits", [])
    try:
        found = [matches(text, name) for name in NAMES]
    except BadPattern:
        assert refused or odd(text)
        return
    assert refused or dict(zip(NAMES, found, strict=True)) == dict(zip(NAMES, hits, strict=True))


HEX = "0123456789abcdef" * 8
PART = st.sampled_from(
    [
        *("a", "ab", "A", "9", "docker.io", "index.docker.io", "library", "localhost", "r.example", "r.example:5000"),
        *("/", "//", ":", "@", ".", "_", "__", "-", "--", "[::1]", ":latest", ":1.0", "é", " ", "a" * 130, HEX[:64]),
        *(
            f"@sha256:{HEX[:64]}",
            f"@sha256:{HEX[:63]}",
            f"@sha512:{HEX}",
            f"@asha256:{HEX[:64]}",
            f"@sha256:{HEX[:64].upper()}",
        ),
        *(f"@sha384:{HEX[:96]}", f"@md5:{HEX[:32]}", "@sha256:"),
    ]
)


@given(st.lists(PART, max_size=6).map("".join))
@settings(max_examples=EXAMPLES)
@example(f"a@asha256:{HEX[:64]}")
@example(HEX[:64])
def test_references_are_read_as_docker_reads_them(moby: Moby, text: str) -> None:
    normal = moby(text, name=True).get("text", "")
    try:
        found = str(Reference.parse(text))
    except ValueError:
        found = ""
    if not found and "_" in text.partition("/")[0]:  # Docker takes `r.example_a/b` for a name without a registry.
        return
    assert found == normal


VARIABLES = {"A": "a b", "B": "", "C": "x/y*z?y", "D": "éaé", "E1_": "$A\\"}
WORD = st.lists(
    st.sampled_from(
        [
            *(
                "$A",
                "$B",
                "$C",
                "$D",
                "$E1_",
                "$NO",
                "${A}",
                "${NO}",
                "${",
                "}",
                "$",
                "$$",
                "$1",
                "$@",
                "a",
                "y",
                "é",
                " ",
                "\t",
            ),
            *(":-", ":+", ":?", "-", "+", "?", "#", "##", "%", "%%", "/", "//", "*", "[", ":", "{", "_", "0"),
            *(
                "'",
                '"',
                "\\",
                "`",
                "<<",
                "<<E",
                "\n",
                "${A:-",
                "${B:-",
                "${NO:+",
                "${C#",
                "${C##",
                "${C%",
                "${C%%",
                "${C/",
                "${C//",
            ),
        ]
    ),
    max_size=7,
).map("".join)


@given(WORD, st.sampled_from("\\`"), st.booleans())
@settings(max_examples=2 * EXAMPLES)
def test_words_expand_as_in_buildkit(moby: Moby, text: str, escape: str, heredoc: bool) -> None:
    variables = [f"{name}={value}" for name, value in VARIABLES.items()]
    said = moby(text, variables=variables, escape="\\" if heredoc else escape, heredoc=heredoc)
    try:
        found = expand_heredoc(text, VARIABLES) if heredoc else expand(text, VARIABLES, escape)
        words = said.get("words", []) if heredoc else list(expand_words(text, VARIABLES, escape))
    except ExpansionError:
        assert "error" in said
        return
    assert found.value == said.get("text", "")
    assert words == said.get("words", [])
