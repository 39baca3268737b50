"""Reads the command line, calls, prints; the one gate where expected failures become a message and an exit status."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from planner import __version__
from planner.errors import PlannerError, UsageError, one_of

MAX_JOBS = 256


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
    _build(
        commands.add_parser(
            "build",
            help="build what the plan names, in parallel",
            epilog="Example: planner build --jobs 4 --keep-going",
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
    parser.add_argument("--since", metavar="REV", help="compare with a git revision [the local records]")
    parser.add_argument("--all", action="store_true", help="build every image that is named, whatever was built before")
    parser.add_argument("--push", action="store_true", help="count only images that were published")
    _state(parser)
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="only these (globs) and the parents they need")


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", default="", metavar="DIR", help="records, logs and images [.planner beside FILE]")


def _plan(parser: argparse.ArgumentParser) -> None:
    _baseline(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--out", metavar="FILE", help="save the plan, for planner build --plan FILE")
    parser.add_argument("--exit-code", action="store_true", help="exit with 3 when something would rebuild")


def _build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="build every image that is named, whatever was built before")
    parser.add_argument("--plan", metavar="FILE", help="apply a saved plan; refused when its inputs changed since")
    parser.add_argument("--only", action="store_true", help="build no parents: take them as recorded or published")
    parser.add_argument("--push", action="store_true", help="push results by digest, verify, then tag")
    parser.add_argument("--jobs", "-j", type=_jobs, default=0, metavar="N", help="builds at once [processors, min. 4]")
    parser.add_argument("--keep-going", "-k", action="store_true", help="after a failure build all that can be built")
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    parser.add_argument(
        "--builder", default="", metavar="ENGINE", help="docker, buildx:NAME or buildkit:ADDRESS [found by itself]"
    )
    parser.add_argument("--no-wait", action="store_true", help="fail when another run holds the state folder")
    _state(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="only these (globs) and the parents they need")


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"is a number from 1 to {MAX_JOBS}")
    return int(text)


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
    command = importlib.import_module(f"planner.cli.{options.command}")
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
