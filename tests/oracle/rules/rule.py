"""One reading rule of BuildKit: an edit, whether it changes the image, and the place that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.oracle.case import CONTEXT, EXECUTABLE, LINK, Case, File, Pair, Piece

VERSION = "v0.32.2"
"""The release of BuildKit that sources are of: a file of its repository with lines, or a heading of its reference."""

Edits = Mapping[str, File | str | None]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`says` is the rule in words, `changes` whether the edit of `pair` gives another image."""

    says: str
    source: str
    pair: Pair
    changes: bool


def link(target: str) -> File:
    return File(target, LINK)


def program(text: str) -> File:
    return File(text, EXECUTABLE)


def case(text: str, files: Edits | None = None, **more: Any) -> Case:
    """A case; paths of `files` are relative to the build context, or to the workspace where they begin with `/`."""
    made = Case(pieces=(Piece(0, text),), **more)
    return with_files(made, files or {})


def with_files(before: Case, edits: Edits) -> Case:
    """The case with files written or, for None, removed."""
    files = dict(before.files)
    for path, file in edits.items():
        place = path[1:] if path.startswith("/") else f"{CONTEXT}/{path}"
        if file is None:
            del files[place]
        else:
            files[place] = File(file) if isinstance(file, str) else file
    return replace(before, files=files)


def counts(says: str, source: str, before: Case, edit: Edits | Case) -> Rule:
    """A rule by which the edit changes the image."""
    return _rule(says, source, before, edit, changes=True)


def counts_not(says: str, source: str, before: Case, edit: Edits | Case) -> Rule:
    """A rule by which the edit changes nothing."""
    return _rule(says, source, before, edit, changes=False)


def _rule(says: str, source: str, before: Case, edit: Edits | Case, *, changes: bool) -> Rule:
    after = edit if isinstance(edit, Case) else with_files(before, edit)
    return Rule(says=says, source=source, pair=Pair(before, after, says), changes=changes)
