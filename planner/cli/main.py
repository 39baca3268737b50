"""Reads the command line, calls, prints; the one gate where expected failures become a message and an exit status."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from planner import __version__
from planner.errors import PlannerError, UsageError, one_of

COMMANDS = ("graph", "plan", "matrix", "inputs", "key")


class _Parser(argparse.ArgumentParser):
    """argparse with its errors as ours, and a "did you mean"."""

    def error(self, message: str) -> NoReturn:
        hint = ""
        if "invalid choice: " in message:
            wrong = message.split("invalid choice: ", 1)[1].split("'")[1]
            choices = next((action.choices for action in self._actions if action.choices), ())
            hint = one_of(wrong, [str(choice) for choice in choices or ()])
            message = f'there is no "{wrong}"' if "command" in message else message
        if message.startswith("unrecognized arguments: "):
            wrong = message.removeprefix("unrecognized arguments: ").split(" ")[0]
            options = [text for action in self._actions for text in action.option_strings]
            hint = one_of(wrong, options)
        raise UsageError(f"{message}{'; ' + hint if hint else ''}\n  {self.prog} --help shows what there is")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="planner",
        description="Plans families of container images: which must be rebuilt, and why.",
        epilog="Example: planner -C graphs/small plan --since HEAD~1",
    )
    parser.add_argument("--version", action="version", version=f"planner {__version__}")
    parser.add_argument("-C", dest="folder", metavar="DIR", default=".", help="work as if started in DIR")
    parser.add_argument("-f", dest="file", metavar="FILE", default="images.yaml", help="the graph file [images.yaml]")
    parser.add_argument(
        "--var", action="append", default=[], metavar="NAME=VALUE", help="set a variable of the graph file"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _graph(
        commands.add_parser(
            "graph", help="the images and what they read", epilog="Example: planner graph --format mermaid"
        )
    )
    _plan(
        commands.add_parser(
            "plan",
            help="what would rebuild, and why",
            epilog="Example: planner plan --since origin/main --exit-code",
        )
    )
    _matrix(
        commands.add_parser(
            "matrix",
            help="a CI matrix of what rebuilds",
            epilog="Example: planner matrix --since origin/main --format github",
        )
    )
    _inputs(commands.add_parser("inputs", help="every input of an image", epilog="Example: planner inputs base"))
    _key(commands.add_parser("key", help="the keys of images", epilog="Example: planner key base 'cuda*'"))
    return parser


def _graph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json", "dot", "mermaid"), default="text")


def _baseline(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--since", metavar="REV", help="compare with a git revision")
    group.add_argument("--all", action="store_true", help="plan to build everything")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="only these (globs) and the parents they need")


def _plan(parser: argparse.ArgumentParser) -> None:
    _baseline(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--exit-code", action="store_true", help="exit with 3 when something would rebuild")


def _matrix(parser: argparse.ArgumentParser) -> None:
    _baseline(parser)
    parser.add_argument("--format", choices=("github", "json"), default="github")


def _inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--platform", default="", help="one of the image's platforms [its first]")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", nargs="*", metavar="IMAGE")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: Sequence[str]) -> int:
    """Run one command. Raises PlannerError for expected failures."""
    options = _parser().parse_args(arguments)
    from planner.cli import commands

    return int(getattr(commands, options.command)(options))


def main() -> int:
    """The console script `planner`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except PlannerError as error:
        print(f"planner: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


if __name__ == "__main__":
    sys.exit(main())
