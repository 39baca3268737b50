"""Reads the parser directives at the top of a Dockerfile: `# syntax=`, `# escape=` and `# check=`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from planner.errors import Mistake
from planner.model.frozen import dataclass
from planner.model.image import Span
from planner.sources.dockerfile.refusal import mistake_at, shown
from planner.sources.dockerfile.syntax import Directives
from planner.sources.go_match import SPACES

DEFAULT_ESCAPE = "\\"
_BLANKS = "\t\n\f\r "
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*")
_KNOWN = frozenset({"syntax", "escape", "check"})
_BOOLEANS = frozenset(["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"])
"""What Go's `strconv.ParseBool` takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Directive:
    name: str
    value: str
    line: int


def read_directives(lines: Sequence[str], file: str) -> tuple[Directives, list[Mistake]]:
    """The directives, and what is wrong with them.

    BuildKit looks twice: for `escape` when it parses, where a directive may be indented; for the others before that,
    where it may not, but where a first line `#!…` is passed over.
    """
    parsed = list(_directives(line.lstrip(SPACES) for line in lines))
    mistakes = [*_repeated(parsed, lines, file)]
    escape = next((found.value for found in parsed if found.name == "escape"), DEFAULT_ESCAPE)
    if escape not in ("\\", "`"):
        what = f'escape must be \\ or `, not "{shown(escape)}"'
        line = next(found.line for found in parsed if found.name == "escape")
        mistakes.append(mistake_at(lines, Span(file=file, line=line), what))
        escape = DEFAULT_ESCAPE
    skipped = 1 if lines and lines[0].startswith("#!") else 0
    ahead = {found.name: found for found in reversed([*_directives(iter(lines[skipped:]))])}
    syntax, check = ahead.get("syntax"), ahead.get("check")
    if check and (what := _wrong_with(check.value)):
        mistakes.append(mistake_at(lines, Span(file=file, line=check.line + skipped), what, "as in # check=skip=all"))
    directives = Directives(
        syntax=syntax.value if syntax else "",
        escape=escape,
        check=check.value if check else "",
        syntax_span=Span(file=file, line=syntax.line + skipped) if syntax else None,
    )
    return directives, mistakes


def _wrong_with(options: str) -> str:
    """What BuildKit refuses in the options of `# check=`, "" for nothing (`linter.ParseLintOptions`, v0.32.2)."""
    for part in options.strip().split(";", 2):
        name, equals, value = part.partition("=")
        if not equals or name.strip() not in ("skip", "experimental", "error"):
            return f'invalid check option "{shown(name)}"'
        if name.strip() == "error" and value.strip() not in _BOOLEANS:
            return f'the check option error is true or false, not "{shown(value)}"'
    return ""


def _directives(lines: Iterator[str]) -> Iterator[_Directive]:
    """Directives up to the first line that is none: another comment, a blank line, an instruction."""
    for number, line in enumerate(lines, 1):
        text = line[1:].lstrip(SPACES) if line.startswith("#") else ""
        name = _NAME.match(text)
        after = text[name.end() :].lstrip(_BLANKS) if name else ""
        value = after[1:].strip(_BLANKS) or after[1:][-1:]
        if not name or not after.startswith("=") or not value or name[0].lower() not in _KNOWN:
            return
        yield _Directive(name=name[0].lower(), value=value, line=number)


def _repeated(found: Sequence[_Directive], lines: Sequence[str], file: str) -> Iterator[Mistake]:
    for number, directive in enumerate(found):
        if any(earlier.name == directive.name for earlier in found[:number]):
            span = Span(file=file, line=directive.line)
            yield mistake_at(lines, span, f"the directive {directive.name} is given twice", "keep one of them")
