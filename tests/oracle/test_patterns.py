"""Ignore files beside moby/patternmatcher itself, which the judge holds (`.ci/judge/patterns.go`)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.errors import DefinitionError
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
EXAMPLES = int(os.environ.get("PATTERN_EXAMPLES", "500"))
UNCERTAIN = "has no certain meaning"
PIECE = st.sampled_from(
    [*("a", "b", "ab", "*", "**", "?", "/", ".", "!", "[ab]", "[^a]", "[a-b]"), *"[]^-\\ #é$"],
)
LINE = st.lists(PIECE, max_size=6).map("".join)

Said = tuple[str, list[bool]]
Moby = Callable[..., Said]


@pytest.fixture(scope="module")
def moby() -> Iterator[Moby]:
    """What BuildKit says of an ignore file, or a glob: an error, or which paths are left out, or which names match."""
    argv = [os.fspath(program()), "-patterns"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        source, sink = process.stdout, process.stdin

        def ask(text: str, glob: bool = False) -> Said:
            sink.write(json.dumps({"text": text, "glob": glob, "paths": NAMES if glob else PATHS}) + "\n")
            sink.flush()
            answer = json.loads(source.readline())
            return answer.get("error", ""), answer.get("hits", [])

        yield ask
        sink.close()


def ours(text: str) -> Said:
    try:
        rules = IgnoreRules.parse(text.encode(), ".dockerignore")
    except DefinitionError as error:
        return str(error), []
    return "", [rules.ignores(path) for path in PATHS]


def odd(line: str) -> bool:
    """Whether a line may be refused although BuildKit, which does not check all of a pattern, makes something of it."""
    return "[" in line or line.rstrip(" /").endswith("\\")


def agree(text: str, moby: Moby) -> None:
    refused, ignored = moby(text)
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
    refused, hits = moby(text, glob=True)
    try:
        found = [matches(text, name) for name in NAMES]
    except BadPattern:
        assert refused or odd(text)
        return
    assert refused or dict(zip(NAMES, found, strict=True)) == dict(zip(NAMES, hits, strict=True))
