"""COPY and ADD at work: what they say, the files that they select, and whether what they fetch may change unseen."""

from __future__ import annotations

import re

from planner.model.selection import Selection
from planner.sources.dockerfile.expand import ExpansionError, expand_heredoc
from planner.sources.dockerfile.reads import context_of, read_name
from planner.sources.dockerfile.syntax import Copy, Heredoc
from planner.sources.dockerfile.walk import OF_MACHINE, State, Walk
from planner.sources.dockerfile.words import plain_flags
from planner.sources.fetched import is_fetched, is_pinned, may_be_fetched

_DRIVE = re.compile("^[A-Za-z]:")


def copy(walk: Walk, item: Copy, state: State) -> State:
    judged = tuple(walk.judged(source, state) for source in item.sources)
    sources = tuple(source for source, _ in judged)
    in_sources = frozenset(name for _, names in judged for name in names)
    destination = walk.word(item.destination, state)
    checksum = walk.word(item.checksum, state)
    parts = (
        ("keyword", item.keyword),
        ("from", read_name(walk, item.from_, by_index=True) if item.from_ else ""),
        *(("source", source) for source in sources),
        ("destination", destination),
        ("workdir", "" if destination.startswith("/") else state.workdir),
        ("chown", walk.word(item.chown, state)),
        ("chmod", walk.word(item.chmod, state)),
        ("checksum", checksum),
        *((f"flag {number}", flag) for number, flag in enumerate(plain_flags(item.flags))),
        *((f"here-document {doc.name}", heredoc(walk, doc, state)) for doc in item.heredocs),
    )
    unsure = (
        *(f"unknown flag --{flag}" for flag in item.unknown_flags),
        *(
            f"ADD {text} may fetch something: {', '.join(sorted(of_base))} is known only while building"
            for text, (source, names) in zip(item.sources, judged, strict=True)
            if (of_base := names - {OF_MACHINE})  # A machine has no address in its name.
            and (item.keyword == "ADD" and may_be_fetched(text) and not is_pinned(source, checksum))
        ),
    )
    local = tuple(source for source in sources if not (item.keyword == "ADD" and is_fetched(source)))
    remotes = tuple(source for source in sources if source not in local and not is_pinned(source, checksum))
    walk.add(
        item.text,
        item.span,
        parts,
        selections=copied(walk, item, local, in_sources),
        unsure=unsure,
        remotes=remotes,
    )
    return state


def heredoc(walk: Walk, doc: Heredoc, state: State) -> str:
    if not doc.expand:
        return doc.content
    try:
        return expand_heredoc(doc.content, state.env, state.may_be_set).value
    except ExpansionError as error:
        walk.mistake(str(error))
        return doc.content


def _of_windows(source: str) -> str:
    """A source as BuildKit reads it for Windows (`system.NormalizePath`): of its own drive, with slashes."""
    return _DRIVE.sub("", source).replace("\\", "/")


def copied(walk: Walk, item: Copy, sources: tuple[str, ...], names: frozenset[str]) -> tuple[Selection, ...]:
    context = context_of(walk, item.from_, by_index=True)
    if context is None or not sources:
        return ()
    if walk.windows:
        sources = tuple(_of_windows(source) for source in sources)
    whole, reason = bool(names), ""
    if whole:
        reason = f"{', '.join(sorted(names))} is known only while building"
    return (
        Selection(
            context=context,
            sources=sources,
            # Judged by where a source begins, which nobody knows: of the whole context nothing is left out.
            excludes=() if whole else item.excludes,
            parents=item.parents and not whole,
            whole=whole,
            reason=reason,
        ),
    )
