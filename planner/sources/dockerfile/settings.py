"""Reads the small instructions: ENV, LABEL, ARG, WORKDIR and those that only move the configuration."""

from __future__ import annotations

from planner.model.image import Pairs
from planner.sources.dockerfile.flags import only_known
from planner.sources.dockerfile.healthcheck import healthcheck_words
from planner.sources.dockerfile.json_form import json_words
from planner.sources.dockerfile.refusal import Refused, shown
from planner.sources.dockerfile.syntax import Arg, Env, Label, Setting, Workdir
from planner.sources.dockerfile.words import first_word, quoted_words, spaced_words
from planner.sources.dockerfile.written import Written
from planner.sources.go_match import SPACES


def env(written: Written) -> Env:
    """Read an ENV."""
    return Env(span=written.span, text=written.text, pairs=_pairs(written))


def label(written: Written) -> Label:
    """Read a LABEL."""
    return Label(span=written.span, text=written.text, pairs=_pairs(written))


def _pairs(written: Written) -> Pairs:
    """`NAME=VALUE …`, or the old `NAME VALUE`, which is told by the first word having no `=`."""
    words = quoted_words(written.rest, written.escape)
    only_known(written.read.flags, {})
    usage = f"write {written.keyword} NAME=VALUE"
    if not words:
        raise written.too_few(usage)
    if "=" not in words[0]:
        name, value, end = first_word(written.rest)
        if end == len(written.rest):
            raise written.refuse(f"{written.keyword} {shown(name)} has no value", usage)
        pairs = [(name, value)]
    else:
        pairs = [_pair(word, written) for word in words]
    if not all(name for name, _ in pairs):
        raise written.refuse(f"{written.keyword} has a blank name", usage)
    return tuple(pairs)


def _pair(word: str, written: Written) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        hint = f"{written.keyword} takes NAME=VALUE; put quotes around a value with spaces"
        raise written.refuse(f'"{shown(word)}" has no "="', hint)
    return name, value


def arg(written: Written) -> Arg:
    """Read an ARG. BuildKit passes over flags here."""
    words = quoted_words(written.rest, written.escape)
    if not words:
        raise written.too_few("write ARG NAME or ARG NAME=DEFAULT")
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise written.refuse("ARG has a blank name", "write ARG NAME=DEFAULT")
        pairs.append((name, value if equals else None))
    return Arg(span=written.span, text=written.text, pairs=tuple(pairs))


def workdir(written: Written) -> Workdir:
    """Read a WORKDIR."""
    return Workdir(span=written.span, text=written.text, path=_one(written))


def line_setting(written: Written) -> Setting:
    """Read MAINTAINER, USER or STOPSIGNAL, which take the rest of the line. STOPSIGNAL passes over flags."""
    return _setting(written, (_one(written),))


def _one(written: Written) -> str:
    if written.keyword != "STOPSIGNAL":
        only_known(written.read.flags, {})
    if not written.rest:
        raise Refused(f"{written.keyword} requires exactly one argument")
    return written.rest


def expose(written: Written) -> Setting:
    """Read an EXPOSE, whose order does not matter."""
    words = spaced_words(written.rest)
    only_known(written.read.flags, {})
    if not words:
        raise written.too_few("write EXPOSE <port>[/<protocol>]")
    return _setting(written, tuple(sorted(words)))


def volume(written: Written) -> Setting:
    """Read a VOLUME."""
    listed = json_words(written.rest)
    words = spaced_words(written.rest) if listed is None else listed
    only_known(written.read.flags, {})
    if not words:
        raise written.too_few("write VOLUME <path>…")
    words = tuple(word.strip(SPACES) for word in words)
    if not all(words):
        raise written.refuse("VOLUME has an empty path")
    return _setting(written, words, json_form=listed is not None)


def command(written: Written) -> Setting:
    """Read a CMD or an ENTRYPOINT; both may be empty."""
    words = json_words(written.rest)
    only_known(written.read.flags, {})
    if words is not None:
        return _setting(written, words, json_form=True)
    return _setting(written, (written.rest,) if written.rest else ())


def shell(written: Written) -> Setting:
    """Read a SHELL."""
    words = json_words(written.rest)
    only_known(written.read.flags, {})
    if not words:
        raise written.refuse("SHELL requires the JSON form", 'write SHELL ["executable", "parameter"]')
    return _setting(written, words, json_form=True)


def healthcheck(written: Written) -> Setting:
    """Read a HEALTHCHECK; its words begin with its flags."""
    return _setting(written, healthcheck_words(written.read))


def _setting(written: Written, words: tuple[str, ...], *, json_form: bool = False) -> Setting:
    return Setting(span=written.span, text=written.text, keyword=written.keyword, words=words, json_form=json_form)
