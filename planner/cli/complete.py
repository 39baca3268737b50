"""`planner complete`, called by the scripts of `planner completion`: what the last word of a command line may become.

Asks argparse what the command takes, and reads names from the graph file alone, so that it answers while somebody
waits for a TAB. Whatever is wrong with the words or the file, it answers nothing, and the shell offers files.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from planner.cli.family import asked, definition_in, folder_of
from planner.cli.main import COMMANDS, Parser, parser_of
from planner.cli.schema import names as schema_names
from planner.errors import PlannerError
from planner.local.disk_tree import DiskTree
from planner.model.image import Family
from planner.sources.doors.read import read

MAX_HELP = 60

Candidate = tuple[str, str]
"""A word, and what it is for."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("words", nargs="*")


def run(options: argparse.Namespace) -> int:
    """Print a candidate on each line, behind a tab what it is for."""
    for word, purpose in candidates(options.words):
        print(f"{word}\t{purpose}" if purpose else word)
    return 0


def candidates(words: Sequence[str]) -> list[Candidate]:
    """What the last word may become. The words are those behind the program's name, as a shell splits them."""
    typed = [_unquoted(word) for word in words] or [""]
    # Bash makes three words of --format=json, the middle one being the =.
    last = "" if typed[-1] == "=" else typed[-1]
    before = [word for word in typed[:-1] if word != "="]
    if typed[-1] == "=" and before:
        return _starting(_values(before[-1], before), last)
    parser = parser_of(before)
    option, equals, value = last.partition("=")
    if last.startswith("-") and equals:
        return [(f"{option}={word}", help_) for word, help_ in _starting(_values(option, before), value)]
    if before and _takes_value(parser, before[-1]):
        return _starting(_values(before[-1], before), last)
    if last.startswith("-"):
        return _starting(_options(parser), last)
    if parser.called is None:
        return _starting(COMMANDS.items(), last)
    return _starting(_positionals(parser, before), last)


def _starting(found: Iterable[Candidate], last: str) -> list[Candidate]:
    return [(word, purpose) for word, purpose in found if word.startswith(last)]


def _unquoted(word: str) -> str:
    """A word as a shell hands it to completion: quotes and a leading ~ still in it."""
    try:
        parts = shlex.split(word)
    except ValueError:
        return word
    if len(parts) != 1:
        return word
    return os.fspath(Path(parts[0]).expanduser()) if parts[0].startswith("~/") else parts[0]


def _actions(parser: Parser) -> list[argparse.Action]:
    """The options and arguments of the command that is called, else of the program."""
    return list((parser.called or parser)._actions)


def _action(parser: Parser, option: str) -> argparse.Action | None:
    return next((action for action in _actions(parser) if option in action.option_strings), None)


def _takes_value(parser: Parser, option: str) -> bool:
    action = _action(parser, option)
    return action is not None and action.nargs != 0


def _options(parser: Parser) -> Iterator[Candidate]:
    for action in _actions(parser):
        for option in action.option_strings:
            if option.startswith("--") or len(action.option_strings) == 1:
                yield option, _purpose(action)


def _purpose(action: argparse.Action) -> str:
    told = " ".join((action.help or "").split())
    return told if len(told) <= MAX_HELP else told[: MAX_HELP - 1] + "…"


def _values(option: str, before: Sequence[str]) -> list[Candidate]:
    """What an option takes, as far as it is a closed set."""
    action = _action(parser_of(before), option)
    return [(str(choice), "") for choice in action.choices or ()] if action is not None else []


def _positionals(parser: Parser, before: Sequence[str]) -> list[Candidate]:
    """What an argument may be: by its choices, or by what it names."""
    found: list[Candidate] = []
    for action in _actions(parser):
        if action.option_strings:
            continue
        if action.choices:
            found += [(str(choice), "") for choice in action.choices]
        elif action.dest in ("image", "images"):
            found += _images(before)
        elif action.dest == "expression":
            from planner.query.functions import FUNCTIONS

            found += [*_images(before), *((f"{name}(", signature.shown) for name, signature in FUNCTIONS.items())]
        elif action.dest == "name":
            found += [(name, "") for name in schema_names()]
    return found


def _images(before: Sequence[str]) -> list[Candidate]:
    """The images of the definition that the words name; none where it cannot be read."""
    program = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    program.add_argument("-C", dest="folder", default=".")
    program.add_argument("-f", dest="files", action="append")
    program.add_argument("--var", "--define", action="append", default=[])
    program.add_argument("--via-buildx", action="store_true")
    for option in ("--set", "--profile", "--env-file"):
        program.add_argument(option, action="append", default=[])
    try:
        options, _ = program.parse_known_args(before)
        options.file_named, options.files = bool(options.files), options.files or ["images.yaml"]
        options.file = options.files[0]
        tree = DiskTree(folder_of(options))
        definition = definition_in(options, tree)
        given = replace(asked(options), say=lambda line: None)
        family = read(definition, tree, given) if definition else Family(file="", images=())
    except (OSError, PlannerError, argparse.ArgumentError):
        return []
    return [(image.name, image.dockerfile) for image in family.images]
