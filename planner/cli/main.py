"""Reads the command line, calls, prints; the one gate where expected failures become a message and an exit status."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from planner import __version__
from planner.cli.start import INTERRUPTED, interrupts_raise, output_lost
from planner.errors import PlannerError, UsageError, error_text, one_of

COMMANDS = {
    "graph": "the images and what they read",
    "plan": "what would rebuild, and why",
    "why": "why an image is rebuilt: the chain of causes",
    "why-not": "why an image is not rebuilt, and why a file does not count",
    "diff": "what would rebuild between two states",
    "build": "build what the plan names, in parallel",
    "watch": "renew the plan whenever a file changes",
    "bake": "a Bake file with just what rebuilds",
    "lock": "the digests of images that the graph does not build",
    "pin": "set the digests that pin images of the graph",
    "flaky": "build images twice, and say in what they differ",
    "promote": "copy images by digest to another registry or path",
    "gc": "remove from a registry what nothing wants",
    "matrix": "what rebuilds, as jobs of a CI",
    "ci": "write the pipeline of a CI, or check it",
    "export": "what rebuilds for Argo Workflows, or a pool of builders for Kubernetes",
    "pool": "list, check and drain remote builders",
    "history": "how long recorded builds took",
    "simulate": "what changes cost under several ways to build",
    "inputs": "every input of an image",
    "key": "the keys of images",
    "replay": "what each commit of a range would rebuild",
    "affected": "the images that read these paths",
    "completion": "a script that lets a shell complete commands, options and images",
    "schema": "the JSON Schemas of documents and of images.yaml",
    "query": "Bazel's query language over the images",
    "doctor": "check git, engine, registry, disk and graph",
    "cache": "the layer caches that each image reads and writes here",
    "token-server": "exchange the identity of CI runs for registry tokens",
    "login": "show a registry the identity of this CI run",
    "signing-key": "make the key that records are signed with, or show it",
    "relay": "have a trusted runner build what an untrusted one asks for",
    "policy": "prove a trust policy, and lint workflow files",
    "init": "propose a graph file for the Dockerfiles here",
}
"""What each command is for; its module in `planner.cli` has the rest."""
SHOWN = 40
"""Letters of a wrong word that a message repeats."""
HIDDEN = ("complete",)
"""Commands that no person calls."""


class _Formatter(argparse.HelpFormatter):
    """argparse makes one for each argument, and has `shutil` loaded for the width unless it is told."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


def _width() -> int:
    """Columns of the terminal less two, as argparse has it."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns) - 2
    try:
        return (os.get_terminal_size(1).columns or 80) - 2
    except OSError:
        return 78


class Parser(argparse.ArgumentParser):
    """argparse with its errors as ours, and a "did you mean". `called` is the parser of the command that is called."""

    called: argparse.ArgumentParser | None = None
    _reads_again = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Formatter, **settings)

    def error(self, message: str) -> NoReturn:
        hint, prog = "", self.prog
        if "invalid choice: " in message:
            given, _, choices = message.partition("invalid choice: ")[2].rpartition(" (choose from ")
            wrong = given[1:-1]
            hint = one_of(wrong, choices.split("'")[1::2])
            message = f'there is no "{wrong}"' if "COMMAND" in message else message
        if message.startswith("unrecognized arguments: "):
            wrong = message.removeprefix("unrecognized arguments: ").split(" ")[0]
            actions = [*self._actions, *(self.called._actions if self.called else ())]
            options = [text for action in actions for text in action.option_strings]
            hint, prog = one_of(wrong, options), (self.called or self).prog
            if self.called is not None and any(wrong in action.option_strings for action in self._actions):
                hint, prog = f"say {wrong} before the command", self.prog
        raise UsageError(f"{message}{'; ' + hint if hint else ''}\n  {prog} --help shows what there is")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """See argparse, which takes `plan one --all two` for a mistake: words end for it where an option begins."""
        found, left = super().parse_known_args(args, namespace)
        is_mixed = left and self._subparsers is None and not self._reads_again and "--" not in args
        if not is_mixed or any(word.startswith("-") for word in left):
            return found, left
        self._reads_again = True
        return self.parse_known_intermixed_args(args)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """An option that is given an empty word is a mistake: that comes of a variable that is not set.

        `-C` is not, as it is none of git's: it stays where it is.
        """
        if action.option_strings and action.dest != "folder" and not action.choices and "" in arg_strings:
            raise argparse.ArgumentError(action, "is empty: it names nothing")
        if action.option_strings and "--" in arg_strings:  # `--option=--`, of which argparse makes an empty list
            raise argparse.ArgumentError(action, "is --, which ends options: a file of that name is ./--")
        return super()._get_values(action, arg_strings)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """A number with more digits than Python reads is told without the name of the function that reads it."""
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError as error:
            if error.message.startswith("invalid "):
                error.message = f"is no number that can be read: {arg_string[:SHOWN]}"
            raise


class _Named(argparse.Action):
    """Stores the graph files that are given, the first on its own, and that there are some."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: object = None
    ) -> None:
        if not namespace.file_named:
            namespace.file, namespace.files = values, []
        namespace.files.append(values)
        namespace.file_named = True


def parser_of(arguments: Sequence[str]) -> Parser:
    """The whole command line; only the command that is called loads its module and tells its own arguments."""
    parser = Parser(
        prog="planner",
        description="Plans and builds families of container images: which must be rebuilt, and why.",
        epilog="Example: planner -C graphs/small plan --since HEAD~1",
    )
    parser.add_argument("--version", action="version", version=f"planner {__version__}")
    parser.add_argument(
        "-C",
        dest="folder",
        metavar="DIR",
        default=".",
        help="the family of DIR; -f and images' files are found from there, all other files from here",
    )
    parser.add_argument(
        "-f",
        dest="file",
        metavar="FILE",
        default="images.yaml",
        action=_Named,
        help="the graph file [images.yaml, .star, Bake, Compose, else Dockerfiles]; again: more, for Bake and Compose",
    )
    parser.set_defaults(file_named=False, files=["images.yaml"])
    parser.add_argument(
        "--var", "--define", action="append", default=[], metavar="NAME=VALUE", help="set a variable of the graph file"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="TARGET.KEY=VALUE", help="override a target of a Bake file"
    )
    parser.add_argument(
        "--via-buildx", action="store_true", help="have buildx itself read the Bake files [the planner's own reader]"
    )
    for option, name in (("--profile", "NAME"), ("--env-file", "FILE")):
        parser.add_argument(
            option, action="append", default=[], metavar=name, help="of Compose files, as Docker has it"
        )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    called = _called(arguments)
    for name in HIDDEN:
        if name == called:
            _module(name).arguments(commands.add_parser(name))
    # A command that is called needs no other one; help and mistakes show them all.
    alone = called in COMMANDS and not any(word.startswith(("-h", "--h")) for word in arguments)
    for name, purpose in COMMANDS.items():
        if alone and name != called:
            continue
        command = commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        if name == called:
            module = _module(name)
            command.epilog = f"Example: {module.EXAMPLE}"
            module.arguments(command)
            parser.called = command
    return parser


def _called(arguments: Sequence[str]) -> str:
    """The command among the words of a command line, "" where there is none."""
    words = iter(arguments)
    for word in words:
        if word in ("-C", "-f", "--var", "--define", "--set", "--profile", "--env-file"):
            next(words, "")
        elif not word.startswith("-"):
            return word
    return ""


def _module(command: str) -> Any:
    return importlib.import_module(f"planner.cli.{command.replace('-', '_')}")


_ahead: dict[tuple[str, ...], Parser] = {}


def parser_ahead(arguments: Sequence[str]) -> None:
    """Make the parser of a command line now, for a `run` that comes later."""
    _ahead[tuple(arguments)] = parser_of(arguments)


def run(arguments: Sequence[str]) -> int:
    """Run one command. Raises PlannerError for expected failures."""
    options = (_ahead.pop(tuple(arguments), None) or parser_of(arguments)).parse_args(arguments)
    command = _module(options.command)
    interrupts_raise()
    return int(command.run(options))


def main() -> int:
    """The console script `planner`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except PlannerError as error:
        print(error_text(error), file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return output_lost(error)
    return status


if __name__ == "__main__":
    sys.exit(main())
