"""Reads COPY and ADD."""

from __future__ import annotations

from planner.sources.dockerfile.flags import Kind, read_flags
from planner.sources.dockerfile.heredocs import opening_of
from planner.sources.dockerfile.json_form import json_words
from planner.sources.dockerfile.syntax import Copy, Heredoc
from planner.sources.dockerfile.words import spaced_words
from planner.sources.dockerfile.written import Written, without_tabs

_BOTH = {"chown": Kind.ONE, "chmod": Kind.ONE, "link": Kind.SWITCH, "exclude": Kind.MANY}
_COPY = {**_BOTH, "from": Kind.ONE, "parents": Kind.SWITCH}
_ADD = {**_BOTH, "checksum": Kind.ONE, "keep-git-dir": Kind.SWITCH, "unpack": Kind.SWITCH}


def copy(written: Written) -> Copy:
    """Read a COPY or an ADD."""
    words = json_words(written.rest)
    words = spaced_words(written.rest) if words is None else words
    if len(words) < 2:
        hint = f"write {written.keyword} <source>… <destination>"
        raise written.refuse(f"{written.keyword} needs at least one source and a destination", hint)
    *sources, destination = words
    if opening_of(destination):
        raise written.refuse(f"{written.keyword} cannot take a here-document as its destination")
    flags = read_flags(written.read.flags, _COPY if written.keyword == "COPY" else _ADD)
    from_ = flags.find("from")
    unpack = flags.switch("unpack")
    return Copy(
        span=written.span,
        text=written.text,
        keyword=written.keyword,
        sources=tuple(source for source in sources if opening_of(source) is None),
        destination=destination,
        heredocs=_heredocs(sources, written),
        from_=flags.one("from"),
        from_span=written.span_at(from_.at) if from_ else None,
        chown=flags.one("chown"),
        chmod=flags.one("chmod"),
        checksum=flags.one("checksum"),
        link=bool(flags.switch("link")),
        parents=bool(flags.switch("parents")),
        keep_git_dir=bool(flags.switch("keep-git-dir")),
        unpack="" if unpack is None else str(unpack).lower(),
        excludes=flags.many("exclude"),
        flags=flags.texts,
        unknown_flags=flags.unknown,
    )


def _heredocs(sources: list[str], written: Written) -> tuple[Heredoc, ...]:
    """The here-documents among the sources; of several with one name the last one's content counts for all."""
    bodies = {body.opening.name: body for body in written.line.bodies}
    found = []
    for opening in map(opening_of, sources):
        if opening is None:
            continue
        body = bodies.get(opening.name)
        content = "" if body is None else without_tabs(body) if opening.strip_tabs else body.content
        found.append(Heredoc(name=opening.name, content=content, expand=opening.expand))
    return tuple(found)
