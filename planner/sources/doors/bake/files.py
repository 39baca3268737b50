"""Reads the files of a Bake definition, in their order, into one configuration; collects the mistakes of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.errors import DefinitionError, Mistake
from planner.sources.doors.bake import json_form
from planner.sources.doors.bake.body import Body
from planner.sources.doors.bake.config import Config, configured
from planner.sources.doors.bake.parser import Parser
from planner.sources.doors.bake.reading import Reading
from planner.sources.doors.bake.trouble import Source, TooMuch, Wrong

MAX_FILES = 100
MAX_MISTAKES = 50


def read_files(
    files: Sequence[tuple[str, bytes]],
    environment: Mapping[str, str],
    given: Mapping[str, str],
    before: Config | None = None,
) -> Config:
    """The groups and targets of these files, later ones over earlier ones, over `before` (those of Compose files).

    `given` are variables of the command line. Raises DefinitionError with all mistakes.
    """
    if len(files) > MAX_FILES:
        raise DefinitionError([Mistake(file=files[0][0], what=f"there are more than {MAX_FILES} files")])
    bodies: list[Body] = []
    mistakes: list[Mistake] = []
    for file, data in files:
        try:
            bodies.append(body_of(file, data))
        except Wrong as error:
            mistakes.append(error.mistake)
        except RecursionError:
            mistakes.append(Mistake(file=file, what="is nested too deep"))
    if mistakes:
        raise DefinitionError(mistakes)
    reading = Reading(bodies, environment, given)
    reading.evaluate_names()
    config = Config() if reading.mistakes else configured(reading, before)
    if not reading.mistakes:
        reading.evaluate_settings()
    for block in reading.unknown:
        config.unknown.setdefault("", []).append((block.kind, block.source.span(block.at)))
    if reading.mistakes:
        unique = dict.fromkeys(sorted(reading.mistakes, key=lambda one: (one.file, one.line, one.column)))
        raise DefinitionError(list(unique)[:MAX_MISTAKES])
    return config


def body_of(file: str, data: bytes) -> Body:
    """What one file says. Raises Wrong."""
    source = _source(file, data)
    if file.endswith(".json"):
        return json_form.read(source)
    try:
        parser = Parser(source)
        parser.advance()
        return parser.body()
    except TooMuch:
        raise
    except Wrong:
        if file.endswith(".hcl"):
            raise
        try:
            return json_form.read(source)
        except Wrong:
            pass
        raise


def _source(file: str, data: bytes) -> Source:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        readable = Source(file, data.decode("utf-8", "replace"))
        raise Wrong("is not UTF-8", len(data[: error.start].decode("utf-8", "replace")), source=readable) from error
    return Source(file, text)
