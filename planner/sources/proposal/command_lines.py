"""Turns `docker build` lines of Makefiles, scripts and workflows into builds. Tokenises, and evaluates nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from planner.model.image import Span
from planner.sources.proposal.builds import Build, hidden_variables, made, shown_variables

_COMMAND = re.compile(r"\b(?:docker|podman|nerdctl)\s+(?:image\s+|buildx\s+|builder\s+)?build\b")
_ENDS = frozenset("();<>|&")
SWITCHES = frozenset(
    """
    --check --compress --debug --disable-content-trust --force-rm --help --load --no-cache --print --pull --push
    --quiet --rm --squash -D -h -q
    """.split()  # noqa: SIM905 -- a table of words
)
SHORT = {"-f": "--file", "-t": "--tag"}
MAX_LINE = 20_000


def builds(text: str, file: str, folder: str, first_line: int = 1) -> Iterator[Build | tuple[Span, str]]:
    """The builds that a text asks for when it runs in `folder`; a place and a reason for each that cannot be read."""
    for number, line in _lines(text):
        if line.lstrip().startswith("#") or len(line) > MAX_LINE:
            continue
        for found in _COMMAND.finditer(line):
            span = Span(file=file, line=first_line + number)
            try:
                words = _words(line[found.end() :])
            except ValueError as error:
                yield span, f"cannot be split into words: {error}"
                continue
            build = _build(words, span, folder)
            yield build if build is not None else (span, "names no context of the workspace")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those that a backslash continues, and the number of their first one from 0."""
    waiting, start = "", 0
    for number, line in enumerate(text.split("\n")):
        start = start if waiting else number
        if line.rstrip().endswith("\\"):
            waiting += line.rstrip()[:-1] + " "
            continue
        yield start, waiting + line
        waiting = ""
    if waiting:
        yield start, waiting


def _words(text: str) -> list[str]:
    """The words up to the end of the command."""
    lexer = shlex.shlex(hidden_variables(text), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    for word in lexer:
        if word and set(word) <= _ENDS:
            break
        words.append(shown_variables(word))
    return words


def _build(words: Sequence[str], span: Span, folder: str) -> Build | None:
    options: dict[str, list[str]] = {}
    places: list[str] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if not word.startswith("-") or word == "-":
            places.append(word)
            continue
        option, equals, value = word.partition("=")
        if option in SWITCHES:
            continue
        if not equals and option[:2] in SHORT and len(option) > 2 and not option.startswith("--"):
            option, value = option[:2], option[2:]
        elif not equals:
            value = rest.pop() if rest else ""
        options.setdefault(SHORT.get(option, option), []).append(value)
    # A variable that stands alone may be more options, so only what is written out can be the context.
    plain = [place for place in places if not place.startswith("$")]
    context = (plain or places)[-1:] if len(plain) <= 1 else []
    if not context or context == ["-"]:
        return None
    pairs = [pair.partition("=") for pair in options.get("--build-arg", ())]
    return made(
        span,
        folder,
        context=context[0],
        dockerfile=(options.get("--file") or [""])[-1],
        target=(options.get("--target") or [""])[-1],
        args=tuple((name, value) for name, equals, value in pairs if equals),
        tags=tuple(options.get("--tag", ())),
        beside_context=False,
    )
