"""Turns a proposal into the text of a graph file: entries in order, what is unsure as comments."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from planner.sources.proposal.propose import Entry, Proposal, has_placeholder

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*(?::[A-Za-z0-9_./@-]+)*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def graph_file(proposal: Proposal) -> str:
    """The whole file."""
    lines = ["# Proposed by planner init. Lines with `unsure` want a look; then planner graph shows the rest."]
    lines.extend(_comment(f"unsure: {text}", "") for text in proposal.unsure)
    lines += ["version: 1", "images:" if proposal.entries else "images: {}"]
    for entry in proposal.entries:
        lines.extend(_entry(entry))
    return "\n".join(lines) + "\n"


def _entry(entry: Entry) -> Iterator[str]:
    yield f"  {_scalar(entry.name)}:"
    for note in entry.notes:
        yield _comment(note, "    ")
    for text in entry.unsure:
        yield _comment(f"unsure: {text}", "    ")
    if has_placeholder(entry):
        yield _comment("unsure: placeholder.invalid stands for a name that is given only when it is built", "    ")
    yield f"    context: {_scalar(entry.context)}"
    dockerfile = posixpath.relpath(entry.dockerfile, entry.context)
    if dockerfile != "Dockerfile":
        yield f"    dockerfile: {_scalar(dockerfile)}"
    if entry.target:
        yield f"    target: {_scalar(entry.target)}"
    if entry.args:
        yield "    args:"
        yield from (f"      {_scalar(name)}: {_scalar(value, quoted=True)}" for name, value in entry.args)
    if entry.tags:
        yield "    tags:"
        yield from (f"      - {_scalar(tag)}" for tag in entry.tags)


def _comment(text: str, indent: str) -> str:
    return indent + "# " + "".join(letter if letter.isprintable() else "?" for letter in text)


def _scalar(text: str, *, quoted: bool = False) -> str:
    """A text in YAML; `$` doubled, because a graph file has variables."""
    text = text.replace("$", "$$")
    if not quoted and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_letter, text)) + '"'


def _letter(letter: str) -> str:
    """One letter between double quotes. JSON's escapes will not do: it writes two for a letter beyond U+FFFF."""
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isascii() and letter.isprintable() else f"\\U{ord(letter):08x}"
